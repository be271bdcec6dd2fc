"""TensorFlow and Keras, imported only when a deep model is fitted, and the device they run on."""

from __future__ import annotations

import os
from types import ModuleType

_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "KERAS_BACKEND": "tensorflow"}


def load() -> tuple[ModuleType, ModuleType]:
    """Return the modules (tensorflow, keras), ready to give the same result every time.

    Where nobody has said otherwise, start-up lines are silenced, oneDNN's kernels, whose sums
    depend on the number of threads, stay off, and as many threads are used as `OMP_NUM_THREADS`
    says. Operations are set to be deterministic, which holds for the whole process: TensorFlow
    knows no way back.

    Raises
    ------
    ImportError
        If TensorFlow is not installed: says which extra brings it.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    if threads := os.environ.get("OMP_NUM_THREADS"):
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", threads)
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", threads)
    try:
        import keras
        import tensorflow as tf
    except ImportError as error:
        raise ImportError(
            "the deep models need TensorFlow, which is not installed: "
            'pip install "recbook[deep]" brings it'
        ) from error
    if keras.backend.backend() != "tensorflow":
        raise ImportError(
            f"Keras runs on {keras.backend.backend()} here; set KERAS_BACKEND=tensorflow before "
            "Keras is imported, or start a new kernel"
        )
    tf.config.experimental.enable_op_determinism()
    return tf, keras


def device() -> str:
    """Return the device that TensorFlow puts its work on: the first GPU it sees, else "CPU"."""
    tf, _ = load()
    found = tf.config.list_physical_devices("GPU")
    if not found:
        return "CPU"
    details = tf.config.experimental.get_device_details(found[0])
    return f"GPU ({details.get('device_name', found[0].name)})"
