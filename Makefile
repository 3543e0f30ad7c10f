# What people and CI call. Inside a virtual environment with `pip install -e ".[dev]"`.
.PHONY: format lint types test fast docs demo benchmarks

format:
	ruff format .
	ruff check --fix .

# Duplicate code: more than DUPLICATE_LINES similar lines in two files, imports and signatures left out.
DUPLICATE_LINES = 6
lint:
	ruff format --check .
	ruff check .
	pylint --disable=all --enable=duplicate-code --min-similarity-lines=$(DUPLICATE_LINES) simulator dataset training scenes benchmarks

types:
	mypy

# Two processes, each with whole files, whose fixtures render data sets.
test:
	pytest -n 2 --dist loadfile

fast:
	pytest -n 2 --dist loadfile -m "not slow"

# The documentation site, into build/site; warnings are errors.
docs:
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet

demo:
	python -m simulator.render --scenes scenes/
	python -m training.run

# The results that docs/benchmarks.md shows, each as its command prints it.
BENCHMARKS = install render walk scans loader train
# All run, also where one misses a target; the status is 1 then.
benchmarks:
	mkdir -p docs/benchmarks
	missed=; for name in $(BENCHMARKS); do \
	  python -m benchmarks.$$name > docs/benchmarks/$$name.txt || missed="$$missed $$name"; done; \
	python -m benchmarks.acoustics || missed="$$missed acoustics"; \
	if [ -n "$$missed" ]; then echo "targets missed:$$missed" >&2; exit 1; fi
