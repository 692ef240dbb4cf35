"""A Dask scheduler here, and workers in two jobs of Slurm, as ~/.config/dask/jobqueue.yaml describes them."""

import sys

from dask_jobqueue import SLURMCluster

if __name__ == "__main__":
    with SLURMCluster() as cluster:
        print(cluster.job_script(), file=sys.stderr)
        cluster.scale(jobs=2)
        print(cluster.scheduler_address, flush=True)
        input()
