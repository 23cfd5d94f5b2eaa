# Every target first gets what it needs and lacks (bin/setup). Needs make, npm and any Node.js from 20 on.

# The quotes and the "=" make even an old make start a shell, which alone heeds the new PATH.
RUN = PATH="$(CURDIR)/.tools/node/bin:$(CURDIR)/node_modules/.bin:$$PATH"
NODE = $(RUN) NODE_OPTIONS="--disable-warning=ExperimentalWarning" node

.PHONY: help demo test kill-points check chaos dev bench bundle connector docs pack format install servers clean

help:
	@echo 'make demo     the main job on real servers, explained line by line'
	@echo 'make test     every test but those of "make kill-points"; T=test/store for some of them'
	@echo 'make kill-points  a worker is killed, and one stopped, at every point of every rotation'
	@echo 'make dev      rekey dev: everything on this machine, stays up'
	@echo 'make chaos    burns everything down for minutes and checks the ten invariants; ARGS="--seed 1 --minutes 5"'
	@echo 'make check    types, lint, format, import directions'
	@echo 'make bench    measurements; T=opening for some of them, JSON=file for where they go as JSON'
	@echo 'make bundle   the workflow bundle for production, into dist/'
	@echo 'make connector  our connector function for AWS Lambda, dist/connector/rekey-connector.zip'
	@echo 'make docs     the pages that are written from the code'
	@echo 'make pack     the npm package, rekey-<version>.tgz'
	@echo 'make format   writes the format that check asks for'
	@echo 'make install  Node.js 24 and the npm packages; the targets above do it themselves'
	@echo 'make clean    removes what install and build made; keeps .rekey'

demo:
	@bin/setup servers moto
	@$(NODE) demo/main.ts

# They take as long as all other tests together.
KILL_POINTS = test/chaos/kill-points.test.ts test/workflows/by-hand-halted.test.ts test/workflows/generated-halted.test.ts

# Every file has a process of its own, and many start programs: what they all load is compiled once. Workflows are
# bundled before: else each worker that a test starts does it by itself.
TEST = $(RUN) NODE_COMPILE_CACHE="$(CURDIR)/node_modules/.cache/node" vitest run

test:
	@bin/setup servers moto mariadb pgbouncer
	@$(NODE) worker/bundle.ts
	@$(TEST) $(KILL_POINTS:%=--exclude %) $(T)

kill-points:
	@bin/setup servers moto mariadb
	@$(TEST) $(KILL_POINTS)

dev: servers
	@bin/rekey dev

bench: servers
	@$(NODE) bench/main.ts $(if $(JSON),--json $(JSON)) $(T)

# Kills only what it has started itself.
chaos:
	@bin/setup servers moto mariadb
	@$(NODE) test/chaos/fire.ts $(ARGS)

bundle: install
	@$(NODE) worker/bundle.ts

connector: install
	@$(NODE) connector/bundle.ts

docs: install
	@$(NODE) docs/generate.ts

pack: install
	@$(RUN) npm pack

check: install
	@$(RUN) tsc -p .
	@$(RUN) oxlint
	@$(RUN) prettier --check --log-level warn .
	@$(RUN) vitest run --reporter dot test/architecture.test.ts

format: install
	@$(RUN) oxlint --fix
	@$(RUN) prettier --write --log-level warn .

install:
	@bin/setup

servers:
	@bin/setup servers

clean:
	rm -rf node_modules .tools dist coverage
