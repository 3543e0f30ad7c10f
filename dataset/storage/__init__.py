"""Where the files of a data set are: folders, remote addresses, the local cache, uploads. May import: format and below."""
