"""The format: schema, manifest, shards, block digests, splits. May import: the flat modules without commands."""
