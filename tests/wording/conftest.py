"""The comparisons of tests/comparison, for the words about them."""

from ..comparison.conftest import comparison, comparison_of  # noqa: F401 - fixtures
