"""A Dask scheduler on the first host named, and two workers on each other, by SSH; ends when Enter is pressed."""

import sys

from distributed import SSHCluster

if __name__ == "__main__":
    workers = {"nthreads": 1, "n_workers": 2, "memory_limit": "2GiB"}
    with SSHCluster(sys.argv[1:], remote_python=sys.executable, worker_options=workers) as cluster:
        print(cluster.scheduler_address, flush=True)
        input()
