# SPDX-License-Identifier: GPL-2.0
# make lint: sparse and checkpatch on the driver, checkpatch and cppcheck on
# user space, shellcheck, codespell.  make format: clang-format, in place.

LINT_KERNEL = $(shell git ls-files 'kernel/*.[ch]')
LINT_USER = $(shell git ls-files 'lib/*.[ch]' 'tools/*.[ch]' 'tests/*.[ch]')
LINT_SHELL = $(shell git ls-files | while read -r f; do [ -f "$$f" ] && \
	head -n 2 "$$f" | grep -qE '^\#!/bin/(ba)?sh|^\#!/bin/busybox sh|shellcheck shell=' && echo "$$f"; done)
CHECKPATCH = $(B)/kselftest/scripts/checkpatch.pl --no-tree --no-summary --quiet --terse --show-types \
	--max-line-length=100 --file

# What a header shared with user space, or our comments inside enums, can't obey.
CHECKPATCH_OFF := COMPLEX_MACRO,FILE_PATH_CHANGES,BIT_MACRO,LINE_SPACING,$(strip \
	)PREFER_DEFINED_ATTRIBUTE_MACRO,MULTIPLE_ASSIGNMENTS,MACRO_ARG_REUSE,MACRO_ARG_PRECEDENCE

.PHONY: lint-sparse lint-checkpatch lint-user lint-shell lint-spelling
lint: lint-sparse lint-checkpatch lint-user lint-shell lint-spelling

lint-sparse:
	$(Q)tests/lint sparse "$(KDIR)" $(B)/lint

lint-checkpatch: $(B)/kselftest/done
	$(Q)$(CHECKPATCH) --strict --ignore $(CHECKPATCH_OFF) $(LINT_KERNEL)
	$(Q)$(CHECKPATCH) --ignore CONST_STRUCT,NEW_TYPEDEFS,PREFER_KERNEL_TYPES,VOLATILE,COMPLEX_MACRO,$(strip \
		)STRCPY,STRNCPY,SPLIT_STRING,AVOID_EXTERNS,ENOSYS,SSCANF_TO_KSTRTO,PREFER_DEFINED_ATTRIBUTE_MACRO,$(strip \
		)BLOCK_COMMENT_STYLE,NETWORKING_BLOCK_COMMENT_STYLE,LINE_SPACING,TRAILING_STATEMENTS,$(strip \
		)EMBEDDED_FUNCTION_NAME,QUOTED_WHITESPACE_BEFORE_NEWLINE,STRING_FRAGMENTS,ARRAY_SIZE,SUSPECT_COMMA_SEMICOLON,MISSING_SPACE $(LINT_USER)

lint-user:
	$(Q)cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
		--inline-suppr --suppress=missingInclude --suppress=normalCheckLevelMaxBranches \
		--suppress=varFuncNullUB \
		--library=mk/jansson.cfg -D_GNU_SOURCE -D__linux__ -D__x86_64__ -Ilib -Ikernel/uapi -j 2 \
		$(filter-out tests/fuzz/% tests/unit/%,$(filter %.c,$(LINT_USER)))

lint-shell:
	$(Q)shellcheck $(LINT_SHELL)

lint-spelling:
	$(Q)git ls-files | grep -v '^tests/fuzz/corpus/\|^COPYING' | xargs codespell -L inflight,ser,ot,te,fo,nd,ba

$(B)/kselftest/done:
	$(Q)B=$(abspath $(B)) tests/vm/selftests > /dev/null

format:
	$(Q)clang-format -i $(LINT_KERNEL) $(LINT_USER)
HELP += 'make lint          sparse, checkpatch, cppcheck, shellcheck, codespell' \
	'make format        clang-format, in place'
