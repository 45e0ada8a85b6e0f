"""The report: measured results beside published ones, as a page, as Markdown and as text for the terminal."""
