"""A Dask scheduler and two workers on this machine, until Enter is pressed; prints the address for `--scheduler`."""

from distributed import LocalCluster

if __name__ == "__main__":  # the workers import this file
    with LocalCluster(n_workers=2, threads_per_worker=1, memory_limit="2GiB", dashboard_address=":0") as cluster:
        print(cluster.scheduler_address, flush=True)
        input()
