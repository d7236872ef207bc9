# relayd - see README.  Everything that is made lies in build/.
#
#   make          build/relayd           make run     try it: a relay and a next hop
#   make check    every test, sanitized  make lint    format, lengths, analyzers, manuals
#   make bench    beside others          make install DESTDIR= PREFIX=
#   make fuzz     libFuzzer, FUZZ_SECONDS each
#   make deps     install what is missing (apt-get)

VERSION = 0.1
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
DESTDIR ?=
# Where the programs that are installed lie.
BIN ?= build
CC ?= gcc
CFLAGS ?= -O2 -g
LDFLAGS ?=
V ?= 0
Q = $(if $(filter 1,$(V)),,@)
SAY = $(if $(filter 1,$(V)),@:,@echo)

# What relayd itself needs is kept apart from CFLAGS, which are the packager's.
LIBS = gnutls libcares libconfig libxxhash libidn2 libsystemd libseccomp jansson
OUR_CPPFLAGS = -D_GNU_SOURCE -I. -Idomains \
	-DRELAYD_VERSION='"$(VERSION)"' -DRELAYD_CONF='"$(SYSCONFDIR)/relayd/relayd.conf"'
OUR_CFLAGS = -std=gnu11 -pthread -fPIE -fstack-protector-strong -MMD -MP \
	-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla \
	-Wimplicit-fallthrough -Wswitch-enum -Wformat=2 $(if $(CI),-Werror)
OUR_LDFLAGS = -pthread -pie -Wl,-z,relro,-z,now
FORTIFY = $(if $(findstring -O,$(CFLAGS)),$(if $(findstring -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2))

# Asked once, and only when a recipe needs it: `make deps` works without them.
LIB_CFLAGS = $(eval LIB_CFLAGS := $$(shell pkg-config --cflags $(LIBS)))$(LIB_CFLAGS)
LIB_LDLIBS = $(eval LIB_LDLIBS := $$(shell pkg-config --libs $(LIBS)))$(LIB_LDLIBS)
CHECK_LDLIBS = $(eval CHECK_LDLIBS := $$(shell pkg-config --libs check))$(CHECK_LDLIBS)

ROOMS = domains/base domains spool relayd/net relayd/smtp relayd/delivery relayd/admin relayd/ctl
PROGRAM = relayd/main.c relayd/settings.c relayd/reload.c relayd/desk.c relayd/expiry.c
SOURCES = $(wildcard $(addsuffix /*.c,$(ROOMS)))
SINK = tests/support/sink.c tests/support/hop_server.c tests/support/hop_session.c
# Doubles of whole rooms, in front of the library for the tests that name them.
DOUBLES = $(wildcard tests/support/far_*.c)
SUPPORT = $(filter-out tests/support/sink.c $(DOUBLES),$(wildcard tests/support/*.c))
TESTS = $(wildcard tests/unit/test_*.c tests/system/test_*.c tests/interop/test_*.c)
BENCHES = $(wildcard tests/bench/*.c)
MANUALS = $(wildcard man/*.[1-9])

RELAYCTL = relayd/relayctl.c relayd/settings.c

all: build/relayd build/relayctl

# ---- building: one pattern for each tree of objects ----

build/relayd: $(PROGRAM:%.c=build/obj/%.o) build/librelayd.a
	$(SAY) "  LINK  $@"
	$(Q)$(CC) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_LDLIBS)

build/relayctl: $(RELAYCTL:%.c=build/obj/%.o) build/librelayd.a
	$(SAY) "  LINK  $@"
	$(Q)$(CC) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_LDLIBS)

build/librelayd.a: $(SOURCES:%.c=build/obj/%.o)
	$(SAY) "  AR    $@"
	$(Q)rm -f $@ && ar rcs $@ $^

build/sink: $(SINK:%.c=build/obj/%.o) build/librelayd.a
	$(SAY) "  LINK  $@"
	$(Q)$(CC) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_LDLIBS)

build/bench/source: $(addprefix build/obj/tests/support/,wire.o latencies.o load_text.o)
build/bench/%: build/obj/tests/bench/%.o build/librelayd.a
	$(SAY) "  LINK  $@"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_LDLIBS)

build/obj/%.o: %.c
	$(SAY) "  CC    $<"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(FORTIFY) $(OUR_CPPFLAGS) $(CPPFLAGS) $(LIB_CFLAGS) $(OUR_CFLAGS) $(CFLAGS) -c -o $@ $<

# The tree of the tests: ASan and UBSan, and nothing shared with the other.
SANITIZE = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

build/check/obj/%.o: %.c
	$(SAY) "  CC    $< (sanitized)"
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(LIB_CFLAGS) $(OUR_CFLAGS) -Wno-format-nonliteral $(SANITIZE) -c -o $@ $<

build/check/librelayd.a: $(SOURCES:%.c=build/check/obj/%.o)
	$(Q)rm -f $@ && ar rcs $@ $^

build/check/libsupport.a: $(SUPPORT:%.c=build/check/obj/%.o)
	$(Q)rm -f $@ && ar rcs $@ $^

build/check/relayd: $(PROGRAM:%.c=build/check/obj/%.o) build/check/librelayd.a
	$(Q)$(CC) $(SANITIZE) $(OUR_LDFLAGS) -o $@ $^ $(LIB_LDLIBS)

build/check/relayctl: $(RELAYCTL:%.c=build/check/obj/%.o) build/check/librelayd.a
	$(Q)$(CC) $(SANITIZE) $(OUR_LDFLAGS) -o $@ $^ $(LIB_LDLIBS)

build/check/sink: $(SINK:%.c=build/check/obj/%.o) build/check/librelayd.a
	$(Q)$(CC) $(SANITIZE) $(OUR_LDFLAGS) -o $@ $^ $(LIB_LDLIBS)

# A test that stands in front of a function calls the real one by __real_name.
wraps = $(patsubst __real_%,-Wl$(comma)--wrap=%,$(sort $(shell grep -oh '__real_[a-z_]*' $(1))))
comma = ,

# A test whose far side is played gets the doubles in front of the library.
doubles = $(if $(shell grep -l 'support/\(far_side\|sending\|sending_scene\)\.h"' $(1)),$(DOUBLES:%.c=build/check/obj/%.o))

define test_program
build/check/$(notdir $(1:.c=)): build/check/obj/$(1:.c=.o) \
	$$(call doubles,$(1)) \
	build/check/libsupport.a build/check/librelayd.a
	$$(SAY) "  LINK  $$@"
	$$(Q)$$(CC) $$(SANITIZE) $$(OUR_LDFLAGS) $$(call wraps,$(1)) \
		-o $$@ $$^ $$(LIB_LDLIBS) $$(CHECK_LDLIBS)
endef
$(foreach test,$(TESTS),$(eval $(call test_program,$(test))))

# The seeds of every fuzz target, without a fuzzer.
REPLAYS = $(patsubst tests/fuzz/fuzz_%.c,build/check/replay_%,$(wildcard tests/fuzz/fuzz_*.c))
$(REPLAYS): build/check/replay_%: build/check/obj/tests/fuzz/fuzz_%.o build/check/obj/tests/fuzz/replay.o \
	build/check/obj/relayd/settings.o build/check/libsupport.a build/check/librelayd.a
	$(SAY) "  LINK  $@"
	$(Q)$(CC) $(SANITIZE) $(OUR_LDFLAGS) -o $@ $^ $(LIB_LDLIBS) $(CHECK_LDLIBS)

TEST_PROGRAMS = $(addprefix build/check/,$(notdir $(TESTS:.c=))) $(REPLAYS)

check-build: $(TEST_PROGRAMS) build/check/relayd build/check/relayctl build/check/sink

# ---- what people type ----

JOBS = $(shell nproc)

# Debian packages: to build, to test, and to look closely.
BUILD_PACKAGES = gcc libc6-dev make pkg-config libgnutls28-dev libc-ares-dev libconfig-dev \
	libxxhash-dev libidn2-dev libsystemd-dev libseccomp-dev libjansson-dev
RUN_PACKAGES = curl swaks
CHECK_PACKAGES = check curl swaks msmtp s-nail perl node-nodemailer nodejs gnutls-bin python3 python3-aiosmtpd postfix openssl systemd nsd iproute2 dovecot-lmtpd \
	libnss-wrapper libdb5.3 libidn12 libnsl2 libpcre2-8-0 libgnutls-dane0
# OpenSMTPD itself is fetched, for it excludes Postfix; these are its libraries.
BENCH_PACKAGES = curl postfix openssl e2fsprogs libdb5.3 libevent-2.1-7 libpam0g libssl3
LINT_PACKAGES = clang-format mandoc shellcheck

deps:
	@tests/support/install-packages $(BUILD_PACKAGES) $(RUN_PACKAGES) $(CHECK_PACKAGES) $(BENCH_PACKAGES) $(LINT_PACKAGES)

run:
	@tests/support/install-packages $(BUILD_PACKAGES) $(RUN_PACKAGES)
	@$(MAKE) --no-print-directory -j$(JOBS) build/relayd build/sink
	@exec tests/support/demo

check:
	@tests/support/install-packages $(BUILD_PACKAGES) $(CHECK_PACKAGES)
	@tests/support/fetch-package exim4-daemon-light $(CURDIR)/build/exim
	@$(MAKE) --no-print-directory -j$(JOBS) check-build
	@tests/support/run-tests $(TEST_PROGRAMS)

# Power cuts of a simulated disk, and kill -9 of the server under load.
CRASH_KILLS ?= 200
build/check/crash: build/check/obj/tests/crash/crash.o build/check/libsupport.a build/check/librelayd.a
	$(SAY) "  LINK  $@"
	$(Q)$(CC) $(SANITIZE) $(OUR_LDFLAGS) -o $@ $^ $(LIB_LDLIBS) $(CHECK_LDLIBS)

crash:
	@tests/support/install-packages $(BUILD_PACKAGES) $(CHECK_PACKAGES)
	@$(MAKE) --no-print-directory -j$(JOBS) build/check/crash build/check/relayd build/check/test_kill
	@build/check/crash
	@CRASH_KILLS=$(CRASH_KILLS) build/check/test_kill

# libFuzzer on every tests/fuzz/fuzz_*.c; what it finds lies in build/fuzz.
FUZZ_SECONDS ?= 60
FUZZERS = $(patsubst tests/fuzz/fuzz_%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
# The simulated disk, and the model that works on it; sessions in memory.
FUZZ_SUPPORT = $(addprefix tests/support/,disk_sim.c sim_node.c power_cut.c spool_model.c spool_court.c specimen.c \
	desk.c)
FUZZ_CC ?= clang
FUZZ_FLAGS = -g -O1 -fno-sanitize-recover=all -std=gnu11 -pthread
build/fuzz/obj/%.o: %.c
	$(Q)mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP \
		$(OUR_CPPFLAGS) $(LIB_CFLAGS) -c -o $@ $<

build/fuzz/%: build/fuzz/obj/tests/fuzz/fuzz_%.o $(patsubst %.c,build/fuzz/obj/%.o,$(SOURCES) relayd/settings.c $(FUZZ_SUPPORT))
	$(SAY) "  FUZZ  $@"
	$(Q)mkdir -p $@.corpus
	$(Q)$(FUZZ_CC) $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined -o $@ $^ $(LIB_LDLIBS)

fuzz:
	@tests/support/install-packages $(BUILD_PACKAGES) clang
	@$(MAKE) --no-print-directory -j$(JOBS) $(FUZZERS)
	@for fuzzer in $(FUZZERS); do \
		noun=$${fuzzer##*/}; seeds=tests/fuzz/corpus/$$noun; words=tests/fuzz/$$noun.dict; \
		[ -d $$seeds ] || seeds=; \
		[ -f $$words ] && words=-dict=$$words || words=; \
		$$fuzzer -max_total_time=$(FUZZ_SECONDS) -max_len=8192 $$words -artifact_prefix=$$fuzzer. $$fuzzer.corpus $$seeds || exit 1; \
	done

bench:
	@tests/support/install-packages $(BUILD_PACKAGES) $(BENCH_PACKAGES)
	-@tests/support/fetch-package opensmtpd $(CURDIR)/build/opensmtpd
	@$(MAKE) --no-print-directory -j$(JOBS) build/relayd build/relayctl build/sink $(BENCHES:tests/bench/%.c=build/bench/%)
	@tests/bench/bench.sh
	@tests/bench/waiting.sh
	@tests/bench/others.sh
	@tests/bench/drain.sh

# Silent when all is well.
C_FILES = $(wildcard $(addsuffix /*.[ch],$(ROOMS) relayd tests/*))
lint:
	@tests/support/install-packages $(BUILD_PACKAGES) $(LINT_PACKAGES) check
	@clang-format --dry-run -Werror $(C_FILES)
	@tests/support/lengths $(C_FILES)
	@shellcheck .ci/run relayd/systemd/install $(wildcard tests/support/demo tests/support/run-tests \
		tests/support/install-packages tests/support/fetch-package tests/support/lengths tests/bench/*.sh)
	@mandoc -T lint -W warning $(MANUALS)
	@$(MAKE) --no-print-directory -j$(JOBS) analyze

# gcc's own analyzer, a stamp for each source.
analyze: $(SOURCES:%.c=build/analyzed/%) $(PROGRAM:%.c=build/analyzed/%) build/analyzed/relayd/relayctl
build/analyzed/%: %.c
	@mkdir -p $(@D)
	@$(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(LIB_CFLAGS) $(OUR_CFLAGS) -MF $@.d -MT $@ -Werror -O1 -fanalyzer -c -o /dev/null $<
	@touch $@

install: $(BIN)/relayd $(BIN)/relayctl
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/share/man/man5 \
		$(DESTDIR)$(PREFIX)/share/man/man8 $(DESTDIR)$(PREFIX)/share/doc/relayd/examples
	install -m 755 $(BIN)/relayd $(DESTDIR)$(PREFIX)/sbin/relayd
	install -m 755 $(BIN)/relayctl $(DESTDIR)$(PREFIX)/sbin/relayctl
	install -m 644 man/*.5 $(DESTDIR)$(PREFIX)/share/man/man5/
	install -m 644 man/*.8 $(DESTDIR)$(PREFIX)/share/man/man8/
	install -m 644 README LICENSE $(DESTDIR)$(PREFIX)/share/doc/relayd/
	install -m 644 relayd/samples/*.conf domains/samples/* \
		$(DESTDIR)$(PREFIX)/share/doc/relayd/examples/
	@relayd/systemd/install "$(DESTDIR)" "$(PREFIX)" "$(SYSCONFDIR)"

clean:
	rm -rf build

.PHONY: all check-build deps run check crash fuzz bench lint analyze install clean
.SECONDARY:

-include $(shell test -d build && find build -name '*.d' -type f)
