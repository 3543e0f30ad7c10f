# What people and CI call. Inside a virtual environment with `pip install -e ".[dev]"`.
.PHONY: format lint types test fast demo benchmarks

format:
	ruff format .
	ruff check --fix .

lint:
	ruff format --check .
	ruff check .

types:
	mypy

test:
	pytest

fast:
	pytest -m "not slow"

demo:
	python -m simulator.render --scenes scenes/
	python -m training.run

benchmarks:
	python -m benchmarks.render
	python -m benchmarks.scans
	python -m benchmarks.acoustics
	python -m benchmarks.loader
	python -m benchmarks.train
