"""The acoustic engines, each from a scene to arrivals or responses. May import: receivers, habitat, and what these may import."""
