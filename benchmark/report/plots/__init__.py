"""The pictures of the report, as data URIs that are equal for equal runs."""
