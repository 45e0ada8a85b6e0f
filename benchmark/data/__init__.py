"""Data files: fetched and verified, checked for their structure, loaded to tensors; or generated as a stand-in."""
