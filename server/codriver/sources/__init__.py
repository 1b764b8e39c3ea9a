"""Source files on disk: which ones a folder has, and what stands in those that somebody asks about."""
