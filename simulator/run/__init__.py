"""One render from start to end: sampling, clips, shards, workers, records. May import: engines, and what it may import."""
