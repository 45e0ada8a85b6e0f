"""Published figures with their sources (results.csv, sources.csv), their reader, and the verdict beside one."""
