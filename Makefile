# Builds, installs and tests libmqttrs. `make help` lists the targets.
#
# Cargo compiles the crate into a static library; the shared libraries are
# linked from it here, with the C compiler, because rustc cannot give the
# exported functions the symbol versions that programs linked to libmosquitto
# ask for.

PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR     ?= $(PREFIX)/share/man
DESTDIR    ?=
# What else cargo is told about the library, such as
# `make CARGO_FLAGS="--no-default-features --features ring"`.
CARGO_FLAGS ?=

CARGO   ?= cargo
CC      ?= cc
OBJCOPY ?= objcopy
INSTALL ?= install

# The ABI's number: it is part of the library's name, and of the programs'
# that are linked to it. It changes only when such a program would break.
ABI := 0
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

BUILD := build
CARGO_TARGET_DIR ?= target
# Rust's name for another kind of machine than this one (docs/cross.md), whose compiler CC names then.
TARGET ?=
CARGO_ARCHIVE := $(CARGO_TARGET_DIR)/$(if $(TARGET),$(TARGET)/)release/libmqttrs.a

ARCHIVE := $(BUILD)/libmqttrs.a
SHARED  := $(BUILD)/libmqttrs.so.$(ABI)
LINK    := $(BUILD)/libmqttrs.so
# What programs linked to libmosquitto look for, in a folder of its own. It is
# the same code under libmosquitto's SONAME: a link to our own file would do
# for LD_LIBRARY_PATH, but ldconfig goes by the SONAME inside.
DROPIN  := $(BUILD)/dropin/libmosquitto.so.1

# -Bsymbolic-functions: our own calls stay ours, even in a program that exports
# functions of the same names.
LINK_FLAGS = -shared $(LDFLAGS) \
	-Wl,--version-script=mqttrs.map \
	-Wl,-Bsymbolic-functions \
	-Wl,--gc-sections -Wl,--as-needed -Wl,--no-undefined \
	-Wl,-z,relro -Wl,-z,now -Wl,-z,pack-relative-relocs -Wl,--strip-debug
# The system libraries that Rust's standard library stands on. The unwinder is taken in: to
# load a library for it would be a tenth of the time that a short program takes.
SYSTEM_LIBS ?= -static-libgcc -lgcc_eh -lgcc -lpthread -ldl -lm -lc

# The headers of C, and of C++, which come to stand in one folder.
HEADER_ROOTS := include bindings/cpp/include
HEADERS := $(foreach root,$(HEADER_ROOTS),$(patsubst $(root)/%,%,$(shell find $(root) -name '*.h' -o -name '*.hpp' | sort)))
HEADER_DIRS := $(sort $(filter-out ./,$(dir $(HEADERS))))

our_includedir := $(INCLUDEDIR)/mqttrs
our_libdir := $(LIBDIR)/mqttrs
cmakedir := $(LIBDIR)/cmake/mqttrs
our_mandir := $(MANDIR)/man3
pkgconfigdir := $(LIBDIR)/pkgconfig

# What a man page describes, which are its other names.
names_of = sed -n '/^\.SH NAME/ { n; s/ \\- .*//; s/,//g; p; }'

.PHONY: all
all: $(ARCHIVE) $(SHARED) $(LINK) ## build build/libmqttrs.so and build/libmqttrs.a

.PHONY: dropin
dropin: $(DROPIN) ## build build/dropin/libmosquitto.so.1, the stand-in for libmosquitto

# Cargo knows best what has changed; when nothing has, it leaves the file's
# time alone and nothing below is made again.
.PHONY: FORCE
FORCE:

# Only what is marked #[inline] is worth being copied to its callers; with a lower limit the path of
# a message is broken up, with a higher one the library is larger and no faster.
SMALL := -C llvm-args=-inline-threshold=50

$(CARGO_ARCHIVE): FORCE
	$(CARGO) rustc --locked --release --lib --crate-type staticlib --target-dir $(CARGO_TARGET_DIR) $(if $(TARGET),--target $(TARGET)) $(CARGO_FLAGS) -- $(SMALL)

# Files come into being under another name and are then moved into place, so
# that nobody, however this ends, sees half a library.
$(ARCHIVE): $(CARGO_ARCHIVE)
	@mkdir -p $(@D)
	$(OBJCOPY) --strip-debug $< $@.$$$$ && mv -f $@.$$$$ $@

# $(call link_library,SONAME)
define link_library
@mkdir -p $(@D)
$(CC) $(LINK_FLAGS) -Wl,-soname,$(1) -o $@.$$$$ -Wl,--whole-archive $(CARGO_ARCHIVE) -Wl,--no-whole-archive $(SYSTEM_LIBS) && mv -f $@.$$$$ $@
endef

$(SHARED): $(CARGO_ARCHIVE) mqttrs.map
	$(call link_library,$(@F))

$(DROPIN): $(CARGO_ARCHIVE) mqttrs.map
	$(call link_library,$(@F))

$(LINK): $(SHARED)
	ln -sfn $(<F) $@

.PHONY: install
install: all ## install under PREFIX (LIBDIR, INCLUDEDIR, MANDIR, DESTDIR are heeded)
	$(INSTALL) -d $(DESTDIR)$(LIBDIR) $(DESTDIR)$(pkgconfigdir) $(DESTDIR)$(cmakedir) $(DESTDIR)$(our_includedir)
	$(INSTALL) -m 755 $(SHARED) $(DESTDIR)$(LIBDIR)/$(notdir $(SHARED))
	ln -sfn $(notdir $(SHARED)) $(DESTDIR)$(LIBDIR)/$(notdir $(LINK))
	$(INSTALL) -m 644 $(ARCHIVE) $(DESTDIR)$(LIBDIR)/$(notdir $(ARCHIVE))
	set -e; for root in $(HEADER_ROOTS); do (cd $$root && find . -name '*.h' -o -name '*.hpp') | while read -r header; do \
		$(INSTALL) -D -m 644 $$root/$$header $(DESTDIR)$(our_includedir)/$$header; \
	done; done
	scripts/fill-in.sh mqttrs.pc.in $(DESTDIR)$(pkgconfigdir)/mqttrs.pc \
		VERSION=$(VERSION) PREFIX=$(PREFIX) LIBDIR=$(LIBDIR) INCLUDEDIR=$(our_includedir)
	scripts/fill-in.sh cmake/mqttrsConfig.cmake.in $(DESTDIR)$(cmakedir)/mqttrsConfig.cmake \
		ABI=$(ABI) INCLUDEDIR=$$(realpath -ms --relative-to=$(cmakedir) $(our_includedir))
	scripts/fill-in.sh cmake/mqttrsConfigVersion.cmake.in $(DESTDIR)$(cmakedir)/mqttrsConfigVersion.cmake \
		VERSION=$(VERSION)
	$(INSTALL) -d $(DESTDIR)$(our_mandir)
	set -e; for page in docs/man/*.3; do \
		$(INSTALL) -m 644 $$page $(DESTDIR)$(our_mandir)/; \
		for name in $$($(names_of) $$page); do \
			[ $$name.3 = $${page##*/} ] || ln -sfn $${page##*/} $(DESTDIR)$(our_mandir)/$$name.3; \
		done; \
	done

.PHONY: install-dropin
install-dropin: dropin ## install LIBDIR/mqttrs/libmosquitto.so.1, to be named in LD_LIBRARY_PATH or ld.so.conf.d
	$(INSTALL) -d $(DESTDIR)$(our_libdir)
	$(INSTALL) -m 755 $(DROPIN) $(DESTDIR)$(our_libdir)/$(notdir $(DROPIN))

# Takes away what both installs put there, and the folders that are ours alone.
.PHONY: uninstall
uninstall: ## remove everything that install and install-dropin put there
	rm -f $(DESTDIR)$(LIBDIR)/$(notdir $(SHARED)) $(DESTDIR)$(LIBDIR)/$(notdir $(LINK)) $(DESTDIR)$(LIBDIR)/$(notdir $(ARCHIVE))
	rm -f $(DESTDIR)$(our_libdir)/$(notdir $(DROPIN)) $(DESTDIR)$(pkgconfigdir)/mqttrs.pc
	rm -f $(DESTDIR)$(cmakedir)/mqttrsConfig.cmake $(DESTDIR)$(cmakedir)/mqttrsConfigVersion.cmake
	rm -f $(addprefix $(DESTDIR)$(our_includedir)/,$(HEADERS))
	for page in docs/man/*.3; do for name in $$($(names_of) $$page) $$(basename $$page .3); do \
		rm -f $(DESTDIR)$(our_mandir)/$$name.3; \
	done; done
	for folder in $(addprefix $(our_includedir)/,$(HEADER_DIRS)) $(our_includedir) $(our_libdir) $(cmakedir); do \
		if [ -d $(DESTDIR)$$folder ]; then rmdir --ignore-fail-on-non-empty $(DESTDIR)$$folder; fi; \
	done

.PHONY: test
test: all dropin store packages ## install what the tests need, run every test, print one summary
	CARGO="$(CARGO)" MQTTRS_BUILD_DIR="$(abspath $(BUILD))" scripts/test.sh

.PHONY: test-cpp test-go test-python test-ruby
test-cpp test-go test-python test-ruby: test-%: all dropin store packages ## run the tests of one of the bindings alone
	MQTTRS_BUILD_DIR="$(abspath $(BUILD))" scripts/test-binding.sh $*

.PHONY: deb
deb: all dropin ## build Debian packages in build/deb; DEB_VERSION= for another version; docs/packaging.md
	CARGO="$(CARGO)" CARGO_FLAGS="$(CARGO_FLAGS)" scripts/build-deb.sh $(DEB_VERSION)

.PHONY: test-deb
test-deb: deb ## install, upgrade and remove these packages, in a small Debian of its own
	CARGO="$(CARGO)" scripts/test-deb.sh

.PHONY: musl
musl: ## build build/musl/libmqttrs.a for programs that are static with musl; docs/cross.md
	CARGO="$(CARGO)" CARGO_FLAGS="$(CARGO_FLAGS)" MAKE="$(MAKE)" scripts/build-musl.sh

.PHONY: test-static
test-static: all ## build programs that need no shared library at all, and let them talk
	CC="$(CC)" MQTTRS_BUILD_DIR="$(abspath $(BUILD))" scripts/test-static.sh

.PHONY: store
store: all dropin ## build libraries with the feature `store` in build/store
	$(MAKE) BUILD=$(BUILD)/store CARGO_FLAGS="$(CARGO_FLAGS) --features store" all

.PHONY: store-test
store-test: store packages ## test sessions that survive a crash, which is a part of `make test`
	MQTTRS_BUILD_DIR="$(abspath $(BUILD))" $(CARGO) test --locked --test store --test store_kill --test store_faults --test session_store
	$(CARGO) test --locked --features store --lib store::
	$(CARGO) test --locked --features store --test fuzz_seeds store

.PHONY: chaos
chaos: all store packages ## FAULTS= faults (2000) of network, brokers and processes by SEED= (1); writes docs/reliability.md
	CARGO="$(CARGO)" MQTTRS_BUILD_DIR="$(abspath $(BUILD))" FAULTS="$(FAULTS)" SEED="$(SEED)" scripts/chaos.sh

.PHONY: pages
pages: ## put docs/{reliability,features,consumers}.md and README.md's comparison together from results in docs/
	python3 -B scripts/pages.py

# The last version of mdBook that is content with our oldest cargo. It is a program to read with: its
# own speed does not matter, that of building it does.
MDBOOK_VERSION := 0.4.52
MDBOOK := $(BUILD)/tools/bin/mdbook

$(MDBOOK):
	CARGO_PROFILE_RELEASE_OPT_LEVEL=1 $(CARGO) install --locked --root $(BUILD)/tools --target-dir $(BUILD)/tools/target \
		--version $(MDBOOK_VERSION) --no-default-features --features search mdbook
	rm -rf $(BUILD)/tools/target

.PHONY: docs
docs: $(MDBOOK) ## build the manual: build/docs/html/index.html, to be opened in a browser
	scripts/install-packages.sh python3
	python3 -B scripts/manual book $(BUILD)/docs
	$(MDBOOK) build $(BUILD)/docs
	python3 -B scripts/manual html $(BUILD)/docs/html

.PHONY: man
man: ## write docs/man anew from the headers
	python3 -B scripts/manual man

.PHONY: stop-times
stop-times: ## how long each way to stop takes in each state of the network; writes docs/reliability/stop.json
	MQTTRS_STOP_TIMES="$(CURDIR)/docs/reliability/stop.json" $(CARGO) test --locked --test stop_times

.PHONY: outage
outage: ## an hour without a connection, by a simulated clock, and the memory it takes; writes docs/reliability/outage.json
	MQTTRS_OUTAGE="$(CURDIR)/docs/reliability/outage.json" $(CARGO) test --locked --test outage

.PHONY: conformance
conformance: ## prove each statement of the specifications that binds a client, and count
	CARGO="$(CARGO)" scripts/conformance.sh

.PHONY: model
model: ## a million random connections against a model broker; SEEDS= for another number
	MQTTRS_MODEL_SEEDS=$(or $(SEEDS),1000000) $(CARGO) test --locked --test session_model -- --nocapture

.PHONY: fuzz
fuzz: ## run each fuzzer's target for SECONDS= seconds (60), one after the other; TARGETS= for some
	CARGO="$(CARGO)" SECONDS_EACH="$(or $(SECONDS),60)" TARGETS="$(TARGETS)" scripts/fuzz.sh

.PHONY: fuzz-coverage
fuzz-coverage: ## what of the sources the fuzzers' inputs reach (SHOW=1: what not); writes docs/reliability/fuzz.json
	CARGO="$(CARGO)" SHOW="$(SHOW)" scripts/fuzz-coverage.sh

.PHONY: sanitize
sanitize: ## run the C stress programs with ThreadSanitizer and AddressSanitizer; writes docs/reliability/sanitize.json
	CARGO="$(CARGO)" MQTTRS_BUILD_DIR="$(abspath $(BUILD))" SANITIZERS="$(SANITIZERS)" scripts/sanitize.sh

.PHONY: oom
oom: all packages ## let memory, descriptors and threads run out; writes docs/reliability/oom.json
	rm -rf $(BUILD)/oom && mkdir -p $(BUILD)/oom
	MQTTRS_BUILD_DIR="$(abspath $(BUILD))" MQTTRS_OOM_TABLES="$(abspath $(BUILD))/oom" $(CARGO) test --locked --test oom
	python3 scripts/oom.py $(BUILD)/oom >docs/reliability/oom.json

.PHONY: consumers
consumers: dropin ## put programs of others that use libmosquitto to work on the library; ONLY= for some; writes docs/consumers.md
	MQTTRS_BUILD_DIR="$(abspath $(BUILD))" ONLY="$(ONLY)" python3 -B consumers/run.py

.PHONY: interop
interop: ## run one set of scenarios against real brokers; writes docs/interop.md
	CARGO="$(CARGO)" MQTTRS_INTEROP_DIR="$(abspath $(BUILD))/interop" scripts/interop.sh

.PHONY: packages
packages: ## install the Debian packages that the tests use
	scripts/install-packages.sh

.PHONY: demo
demo: all dropin ## build, then let C programs talk through an embedded broker
	MQTTRS_BUILD_DIR="$(abspath $(BUILD))" scripts/demo.sh

.PHONY: bench
bench: dropin ## measure against libmosquitto, Paho C, rumqttc, a bare socket; CASES= ROUNDS= PEERS= for a part
	scripts/install-packages.sh gcc libc6-dev libmosquitto1 libmosquitto-dev libpaho-mqtt1.3 libpaho-mqtt-dev libssl-dev openssl python3
	CC="$(CC)" CARGO="$(CARGO)" MQTTRS_BUILD_DIR="$(abspath $(BUILD))" CASES="$(CASES)" ROUNDS="$(ROUNDS)" PEERS="$(PEERS)" scripts/bench.sh

.PHONY: bench-store
bench-store: store packages ## measure the store beside Paho C's, kill it, fill the disk; writes docs/reliability/store.json
	scripts/install-packages.sh gcc libc6-dev libpaho-mqtt1.3 libpaho-mqtt-dev mosquitto python3
	CARGO="$(CARGO)" MQTTRS_BUILD_DIR="$(abspath $(BUILD))" ROUNDS="$(ROUNDS)" python3 benches/store.py

.PHONY: bench-filters
bench-filters: dropin ## a message that goes to the callback of one among many topic filters; writes docs/features/filters.json
	scripts/install-packages.sh gcc libc6-dev libmosquitto1 libmosquitto-dev libssl-dev python3 valgrind
	CC="$(CC)" MQTTRS_BUILD_DIR="$(abspath $(BUILD))" ROUNDS="$(ROUNDS)" python3 -B benches/filters.py

.PHONY: bench-throttle
bench-throttle: all ## how exactly limits of speed are kept; writes docs/features/throttle.json
	scripts/install-packages.sh gcc libc6-dev mosquitto python3
	CC="$(CC)" MQTTRS_BUILD_DIR="$(abspath $(BUILD))" SPAN="$(SPAN)" python3 -B benches/throttle.py

.PHONY: bench-wait
bench-wait: all dropin ## publishing and waiting, beside libmosquitto with a condition variable; writes docs/features/wait.json
	scripts/install-packages.sh gcc libc6-dev libmosquitto1 libmosquitto-dev libssl-dev python3
	CC="$(CC)" MQTTRS_BUILD_DIR="$(abspath $(BUILD))" ROUNDS="$(ROUNDS)" python3 -B benches/wait.py

.PHONY: bench-python
bench-python: all ## the Python binding beside paho-mqtt; writes bindings/python/bench.json and the table in its README.md
	scripts/install-packages.sh gcc libc6-dev libssl-dev python3 python3-dev python3-pip python3-setuptools python3-wheel
	CC="$(CC)" MQTTRS_BUILD_DIR="$(abspath $(BUILD))" ROUNDS="$(or $(ROUNDS),5)" /usr/bin/python3 -B bindings/python/bench.py

.PHONY: headers
headers: ## write include/ anew from the sources, and docs/man from that
	MQTTRS_UPDATE_HEADERS=1 $(CARGO) test --locked --test header
	python3 -B scripts/manual man

.PHONY: check
check: ## formatting, lints, and that include/ fits the sources
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) test --locked --test header

.PHONY: clean
clean: ## remove everything that was built
	rm -rf $(BUILD)
	$(CARGO) clean --target-dir $(CARGO_TARGET_DIR)

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z -]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS='	' read -r target text; do \
		printf '  make %-15s %s\n' "$$target" "$$text"; \
	done
