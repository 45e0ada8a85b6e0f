"""What several objectives share. A file here is no objective; one beside this folder is."""
