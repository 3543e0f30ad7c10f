"""From scenes and clips to shards of paired views and binaural sound."""

import os

# One thread for linear algebra: workers are the parallelism, and sums must not depend on how many threads share them.
for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(_name, "1")
