"""What a shard and a manifest hold, how both are written, and how scenes are split. May import: errors."""
