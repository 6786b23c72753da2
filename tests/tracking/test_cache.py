"""Compiled programs that are kept: whole, whatever ends or limits the process that writes them."""

import os
import subprocess
import sys

COMPILED = """
import resource, sys, warnings
from nnks.tracking.cache import use_compilation_cache
import jax, jax.numpy as jnp
warnings.simplefilter(sys.argv[2])
if int(sys.argv[1]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
use_compilation_cache()
print(jax.jit(lambda x: jnp.linalg.norm(jnp.sin(x) @ x))(jnp.eye(3)))
"""


def compiled(cache, bytes_a_file, warnings):
    """A program of JAX in a process of its own, in which files may have this size."""
    environment = os.environ | {"NNKS_CACHE": str(cache)}
    command = [sys.executable, "-c", COMPILED, str(bytes_a_file), warnings]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_a_program_that_a_full_disk_cut_is_not_kept(tmp_path):
    limited = compiled(tmp_path, 2000, "ignore")
    assert limited.returncode == 0, limited.stderr
    whole = compiled(tmp_path, 0, "error")  # an entry that is cut would be a warning
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout == limited.stdout
    sizes = [path.stat().st_size for path in tmp_path.glob("*-cache")]
    assert max(sizes) > 2000  # the limit cut what is kept now
    assert not list(tmp_path.glob(".*"))  # and no temporary file stays
