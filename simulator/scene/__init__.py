"""A scene in memory: triangles, textures, ray queries, and where a listener can stand. May import: config, errors."""
