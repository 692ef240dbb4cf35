"""The builds, references and FLOPs of the workloads that tbp's suites declare; a module a family.

Importing a module registers its workloads. None of them defines a benchmark: asv imports this package on discovery too.
"""
