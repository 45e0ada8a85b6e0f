"""Ranks over tasks: Friedman's exact test against an enumeration of every table."""

import itertools

import numpy as np
import pytest
from scipy import stats

from benchmark.evaluation import ranks


def enumerated(figures: np.ndarray) -> float:
    """Share of all orders of every task with SciPy's statistic at least as high as it was found."""
    orders = [list(itertools.permutations(column)) for column in stats.rankdata(figures, axis=0).T]
    values = [stats.friedmanchisquare(*np.array(table).T).statistic for table in itertools.product(*orders)]
    return float(np.mean(np.array(values) >= stats.friedmanchisquare(*figures).statistic - 1e-9))


@pytest.mark.parametrize(("recipes", "tasks", "decimals"), [(3, 4, 3), (3, 4, 1), (4, 2, 1), (3, 2, 3)])
def test_friedmans_test_is_exact_in_small_tables(recipes: int, tasks: int, decimals: int) -> None:
    figures = np.random.default_rng(tasks + decimals).random((recipes, tasks)).round(decimals)
    assert ranks.friedman(figures) == pytest.approx(enumerated(figures))


def test_it_is_the_table_of_the_textbooks() -> None:
    """Three recipes, four tasks, always in one order: 6 of 6^4 tables are as uneven."""
    assert ranks.friedman(np.arange(3.0)[:, None] + np.zeros(4)) == pytest.approx(6 / 6**4)


def test_in_large_tables_it_is_by_chi_squared() -> None:
    figures = np.random.default_rng(0).random((6, 9))
    assert ranks.friedman(figures) == stats.friedmanchisquare(*figures).pvalue


def test_three_recipes_on_four_tasks_are_called_different_in_less_than_5_of_100() -> None:
    """By chi² in 7 of 100; over every table of ranks, each as likely as the others."""
    tables = itertools.product(itertools.permutations((1.0, 2.0, 3.0)), repeat=4)
    found = [ranks.friedman(np.array(table).T) for table in itertools.islice(tables, 0, None, 7)]
    assert 0.03 <= np.mean(np.array(found) < 0.05) <= 0.05


def test_ranking_has_the_tasks_that_all_have() -> None:
    table = {"a": {"x": 0.9, "y": 0.8, "z": 0.7}, "b": {"x": 0.8, "y": 0.7, "z": 0.6}, "c": {"x": 0.7, "y": 0.9}}
    found = ranks.ranking(table)
    assert (found.ranks, found.tasks) == ({"a": 1.5, "b": 2.5, "c": 2.0}, 2)
    assert found.p == pytest.approx(enumerated(np.array([[0.9, 0.8], [0.8, 0.7], [0.7, 0.9]])))
    assert found.test == "Friedman's test"


def test_two_are_ranked_by_the_sign_test() -> None:
    table = {"a": {"x": 0.9, "y": 0.8, "z": 0.7}, "b": {"x": 0.8, "y": 0.7, "z": 0.6}}
    found = ranks.ranking(table)
    assert (found.ranks, found.tasks, found.test) == ({"a": 1.0, "b": 2.0}, 3, "sign test")
    assert found.p == pytest.approx(stats.binomtest(3, 3).pvalue) == pytest.approx(0.25)
