"""What holds for every test: one thread a process, for several may run side by side, and no test that fails for being slow."""

import os

from hypothesis import settings

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before anything imports torch; processes that tests start inherit it

settings.register_profile("patient", deadline=None)  # a busy machine is no finding
settings.load_profile("patient")
