"""What training reads: decoded splits, seeded batches, rendered sound, view overlaps. May import: config, errors."""
