"""Whose images MedMNIST's are, as far as a source states it: what a model card says of who may be missing.

Facts are of `medmnist.INFO`, or of the paper that is named. An empty one is shown as not stated: no guess stands in for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Population:
    """Of the images of one official task."""

    ages: str = ""
    sex: str = ""
    places: str = ""
    devices: str = ""
    patients: str = ""
    """How many, and whether the splits keep them apart."""
    labels: str = ""
    """Who or what gave the labels."""
    paper: str = ""
    """Where the facts stand that `medmnist.INFO` has not."""


APART_NOT_STATED = "whether the splits keep them apart is not stated"
IN_SOURCE_ALONE = "recorded by the source, not in the file"
POPULATIONS: Mapping[str, Population] = {
    "breastmnist": Population(
        ages="25 to 75 years",
        sex="women",
        places="Baheya Hospital, Cairo; collected in 2018",
        devices="LOGIQ E9 and LOGIQ E9 Agile ultrasound",
        patients=f"780 images of 600 patients; {APART_NOT_STATED}",
        paper="Al-Dhabyani et al., Data in Brief 28 (2020)",
    ),
    "pneumoniamnist": Population(
        ages="children of one to five years",
        places="Guangzhou Women and Children's Medical Center",
        patients=f"5,856 images, of how many patients MedMNIST does not state; {APART_NOT_STATED}",
        labels="two physicians; those of the evaluation set checked by a third",
        paper="Kermany et al., Cell 172 (2018)",
    ),
    "chestmnist": Population(
        ages=IN_SOURCE_ALONE,
        sex=IN_SOURCE_ALONE,
        places="NIH Clinical Center",
        patients=f"112,120 images of 30,805 patients; {APART_NOT_STATED}",
        labels="mined from the text of reports, not read from the images",
        paper="Wang et al., CVPR 2017",
    ),
    "nodulemnist3d": Population(
        places="seven academic centres",
        patients=f"nodules of 1,018 CT scans; {APART_NOT_STATED}",
        labels="malignancy as radiologists rated it, the middle level left out",
        paper="Armato et al., Medical Physics 38 (2011)",
    ),
    "adrenalmnist3d": Population(
        places="Zhongshan Hospital affiliated to Fudan University",
        devices="abdominal CT; the file has shapes, drawn by an expert, not scans",
        patients="1,584 glands of 792 patients, split by patient",
        labels="an expert endocrinologist",
    ),
    "vesselmnist3d": Population(
        devices="MRA; the file has shapes, made from models of vessels, not scans",
        patients=f"segments of 103 models of brain vessels; {APART_NOT_STATED}",
    ),
    "synapsemnist3d": Population(
        ages="adult",
        devices="multi-beam scanning electron microscope",
        patients="one rat, no human; all splits are of it",
        labels="three neuroscience experts",
    ),
}
"""By official task."""
