"""From scenes and clips to shards of paired views and binaural sound."""
