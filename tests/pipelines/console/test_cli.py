"""Help comes fast, errors are one sentence, and a signal ends a command with its own exit code."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pipelines.console import cli

COMMANDS = ["fetch", "pretrain", "finetune", "sweep", "report", "repro", "prepare", "score", "compare", "figures"]


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
        "from benchmark.core.errors import BadInput\n"
        "from pipelines.console import cli\n"
        "def main() -> None:\n"
        "    raise BadInput('what, where, how to mend it')\n"
        "cli.run(main)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "error: what, where, how to mend it\n")


@pytest.mark.parametrize(
    ("write", "answer"),
    [
        ("Checkpoints(Path('full'), 'a').save(1, {'weights': torch.zeros(100_000)})", "file too large"),
        ("RunFolder(Path('full')).write_scores({'val': (np.zeros((9**5, 1)), np.zeros((9**5, 1)))})", "file too large"),
        ("RunFolder(Path('full')).write_weights({'a': torch.zeros(100_000)})", "file too large"),
        ("open('/dev/full', 'w', buffering=1).write('row\\n')", "no space left on device"),
    ],
)
def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_written(tmp_path: Path, write: str, answer: str) -> None:
    """The room that a process has is cut down to 64 KiB a file, which its writes are told like a full disk."""
    code = (
        "import resource\n"
        "from pathlib import Path\n"
        "import numpy as np\n"
        "import torch\n"
        "from benchmark.training.checkpoint import Checkpoints\n"
        "from benchmark.runs.folder import RunFolder\n"
        "from pipelines.console import cli\n"
        "def main() -> None:\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))\n"
        f"    {write}\n"
        "cli.run(main)\n"
    )
    env = os.environ | {"PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=env)
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: can't write")
    assert answer in line
    assert "make room there" in line
    assert done.returncode == 1
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


RICH = "\N{MINUS SIGN}0.5 \N{PLUS-MINUS SIGN} 0.1 \N{MULTIPLICATION SIGN} 2 \N{EM DASH} \N{HIRAGANA LETTER A} caf\N{LATIN SMALL LETTER E WITH ACUTE}"


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", "-0.5 +- 0.1 x 2 - ? cafe"), ("utf-8", RICH)])
def test_a_terminal_without_a_character_is_given_the_nearest(encoding: str, shown: str) -> None:
    code = f"from pipelines.console import cli; cli.run(lambda: print({RICH!a}))"
    env = os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=False)
    assert (done.stdout.decode(encoding), done.stderr, done.returncode) == (f"{shown}\n", b"", 0)


@pytest.mark.parametrize("variable", ["DVC_STAGE", cli.DIARY, ""])
def test_a_command_whose_launcher_was_killed_before_it_could_look_does_nothing(variable: str, tmp_path: Path) -> None:
    """One that nobody has launched outlives whoever started it."""
    command = (
        "import os, sys, time; from pathlib import Path; from pipelines.console import cli\n"
        "time.sleep(0.5)\n"  # by now its parent has ended
        "Path('parent').write_text(str(os.getppid()))\n"
        "try: cli.run(lambda: Path('ran').touch())\n"
        "except SystemExit as end: Path('code').write_text(str(end.code))\n"
    )
    launcher = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {command!r}])"
    own = {name: value for name, value in os.environ.items() if name not in ("DVC_STAGE", "MLFLOW_RUN_ID")}
    env = own | {"PYTHONPATH": str(Path.cwd())} | ({variable: str(tmp_path / "diary")} if variable else {})
    subprocess.run([sys.executable, "-c", launcher], cwd=tmp_path, env=env, start_new_session=True, check=True)
    deadline = time.monotonic() + 60
    while not (code := tmp_path / "code").exists() or not code.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    if (tmp_path / "parent").read_text() != "1":
        pytest.skip("another process than the first one adopts children here")
    assert (code.read_text(), (tmp_path / "ran").exists()) == (("143", False) if variable else ("0", True))


def test_a_variable_of_a_launchers_alone_ends_no_command() -> None:
    """Such as one that a person has set; also where the leader of the session has ended."""
    env = os.environ | {"DVC_STAGE": "here", "MLFLOW_RUN_ID": "1234"}
    command = [sys.executable, "-c", "from pipelines.console import cli; cli.run(lambda: print('ran'))"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, start_new_session=True)
    assert (done.stdout, done.returncode) == ("ran\n", 0)


def test_a_file_that_may_not_be_written_is_one_sentence() -> None:
    forbidden = "/proc/sys/kernel/osrelease"  # to everybody, the superuser too
    code = f"from pipelines.console import cli\ndef main() -> None:\n    open({forbidden!r}, 'w')\ncli.run(main)\n"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: can't use {forbidden} in ")
    assert done.returncode == 1


def test_without_git_the_whole_pipeline_is_not_begun(tmp_path: Path) -> None:
    shutil.copy("params.yaml", tmp_path)
    before = (tmp_path / "params.yaml").read_bytes()
    env = os.environ | {"PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-m", "pipelines.repro"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=env)
    assert (done.returncode, "not a git clone" in done.stderr, len(done.stderr.splitlines())) == (2, True, 1)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]


@pytest.mark.parametrize(("sent", "exit_code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_command_with_its_exit_code(sent: signal.Signals, exit_code: int) -> None:
    code = (
        "import time\n"
        "from pipelines.console import cli\n"
        "def main() -> None:\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
        "cli.run(main)\n"
    )
    assert exit_code_after(sent, code, patience_s=10) == exit_code


UNINTERRUPTIBLE = "hashlib.pbkdf2_hmac('sha256', b'a', b'b', 2 * 10**9)"
"""A single call for Python, as a step of a large network is: no handler runs before it returns."""


@pytest.mark.parametrize(("sent", "exit_code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_a_command_within_five_seconds_in_the_middle_of_a_step(
    sent: signal.Signals, exit_code: int
) -> None:
    code = (
        "import hashlib\n"
        "from pipelines.console import cli\n"
        "def main() -> None:\n"
        "    print('ready', flush=True)\n"
        f"    {UNINTERRUPTIBLE}\n"
        "cli.run(main)\n"
    )
    assert exit_code_after(sent, code, patience_s=5) == exit_code


GIVEN_UP = """
import time
import torch
from benchmark.tracking.line import Line
from pipelines.console import cli

def compute():
    time.sleep(1)
    square = torch.zeros(300, 300)
    while True:
        square @ square

def main() -> None:
    Line(lambda error: None, seconds=0.3).ask("compute", compute)
    time.sleep(1)
    print("done")

cli.run(main)
"""


def test_a_command_ends_well_though_a_call_that_it_gave_up_goes_on_in_pytorch() -> None:
    done = subprocess.run([sys.executable, "-c", GIVEN_UP], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def exit_code_after(sent: signal.Signals, code: str, patience_s: float) -> int:
    """Of a Python process that was sent a signal once it said that it was ready."""

    def listen() -> None:  # a shell's background job, and all that it starts, does not hear Ctrl-C
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=listen) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)
        process.send_signal(sent)
        try:
            return process.wait(patience_s)
        finally:
            process.kill()


@pytest.mark.parametrize(("launcher", "outlives"), [("dvc", False), ("mlflow", False), ("notebook", True)])
@pytest.mark.parametrize("shell", ["exec ", ""])
def test_nothing_goes_on_behind_a_dead_dvc_or_mlflow(tmp_path: Path, launcher: str, shell: str, outlives: bool) -> None:
    stage = tmp_path / "stage.py"
    stage.write_text(
        "import hashlib, os\n"
        "from pipelines.console import cli\n"
        "cli.GRACE_S = cli.LOOK_EVERY_S = 0.2\n"
        "def main() -> None:\n"
        "    print(os.getpid(), flush=True)\n"
        f"    {UNINTERRUPTIBLE}\n"
        "cli.run(main)\n"
    )
    # A shell in between that stays (it has a second command to run), and one that becomes the stage.
    command = f"{shell}{sys.executable} {stage}" + ("" if shell else "; true")
    (tmp_path / launcher).write_text(f"import subprocess\nsubprocess.run({command!r}, shell=True)\n")
    env = os.environ | {"PYTHONPATH": "."}
    with subprocess.Popen([sys.executable, tmp_path / launcher], stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        child = psutil.Process(int(process.stdout.readline()))
        process.kill()
    try:
        child.wait(timeout=2 if outlives else 6)
        gone = True
    except psutil.TimeoutExpired:
        gone = False
        child.kill()
    assert gone is not outlives


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_of_any_encoding_is_written_to(encoding: str) -> None:
    code = (
        "from pipelines.console import cli\n"
        "def main():\n"
        "    print('\\N{MINUS SIGN}0.1 \\N{PLUS-MINUS SIGN} 0.2 \\N{BOX DRAWINGS LIGHT HORIZONTAL} x\\N{DAGGER} \\N{SNOWMAN}')\n"
        "cli.run(main)\n"
    )
    env = os.environ | {"PYTHONIOENCODING": encoding, "LC_ALL": "C", "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=env, check=True)
    expected = {
        "ascii": "-0.1 +- 0.2 - x+ ?",
        "latin-1": "-0.1 \N{PLUS-MINUS SIGN} 0.2 - x+ ?",
        "utf-8": "\N{MINUS SIGN}0.1 \N{PLUS-MINUS SIGN} 0.2 \N{BOX DRAWINGS LIGHT HORIZONTAL} x\N{DAGGER} \N{SNOWMAN}",
    }
    assert done.stdout.decode(encoding).strip() == expected[encoding]
    assert done.stderr == b""
