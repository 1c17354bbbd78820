"""`python -m tests.benchmarks`: see `tests.benchmarks.speed`."""

from tests.benchmarks.speed import main

if __name__ == "__main__":
    main()
