"""Help comes fast, errors are one sentence, and a signal ends a command with its own exit code."""

import signal
import subprocess
import sys
import time

import pytest

COMMANDS = ["fetch", "pretrain", "finetune", "report", "repro", "prepare"]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_imports_nothing_heavy(name: str) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['{name}', '--help']\n"
        "import runpy\n"
        "try:\n"
        f"    runpy.run_module('pipelines.{name}', run_name='__main__')\n"
        "except SystemExit:\n"
        "    print([heavy for heavy in ('torch', 'mlflow', 'pandas', 'medmnist', 'sklearn') if heavy in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "Usage" in done.stdout


def test_an_error_is_one_sentence_and_its_exit_code() -> None:
    code = (
        "from benchmark.errors import BadInput\n"
        "from pipelines import cli\n"
        "def main() -> None:\n"
        "    raise BadInput('what, where, how to mend it')\n"
        "cli.run(main)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "error: what, where, how to mend it\n")


@pytest.mark.parametrize(("sent", "exit_code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_command_with_its_exit_code(sent: signal.Signals, exit_code: int) -> None:
    code = (
        "import time\n"
        "from pipelines import cli\n"
        "def main() -> None:\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
        "cli.run(main)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)
        process.send_signal(sent)
        assert process.wait(timeout=10) == exit_code
