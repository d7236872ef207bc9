/*
 * fuzz_address - any bytes as the path of an envelope: what is read of it has
 * one canonical form, and whoever reads that form again reads the same.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "domains/address.h"
#include "domains/base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_at(const struct address *address)
{
	struct span text = address_span(address);
	struct span local = span_make(address->local, address->local_len);
	size_t i;

	assert(text.len <= ADDRESS_MAX && strlen(address->text) == text.len);
	assert(local.len <= LOCAL_PART_MAX);
	assert(strlen(address->local) == local.len);
	assert(strlen(address->domain) <= DOMAIN_MAX);
	assert(span_utf8(text) && address->utf8 == span_eight_bit(text));
	for (i = 0; i < text.len; i++)
		assert((unsigned char)text.data[i] >= ' ' &&
		    text.data[i] != '\x7f');
	assert((address->kind == ADDRESS_NULL) == (text.len == 0));
	assert((address->kind == ADDRESS_DOMAIN ||
		   address->kind == ADDRESS_LITERAL) ==
	    (address->domain[0] != '\0'));
	assert(
	    (address->kind == ADDRESS_LITERAL) == (address->domain[0] == '['));
	/* Who splits the text at its last @ finds the domain that we found. */
	if (address->domain[0] != '\0')
		assert(
		    span_equal(span_skip(text, span_find_last(text, '@') + 1),
			span_of(address->domain)));
}

static void
assert_same(const struct address *a, const struct address *b)
{
	assert(a->kind == b->kind && a->utf8 == b->utf8);
	assert(a->routes == b->routes);
	assert(strcmp(a->text, b->text) == 0);
	assert(strcmp(a->local, b->local) == 0);
	assert(strcmp(a->domain, b->domain) == 0);
}

/* The canonical form, read as a mailbox and as a path. */
static void
read_again(const struct address *address)
{
	unsigned quirks = 0;
	struct address again;
	const char *why;
	struct buf path;
	size_t used;

	if (address->kind != ADDRESS_NULL) {
		assert(address_parse(address_span(address), &again, &why) ==
		    PATH_OK);
		assert_same(address, &again);
	}
	buf_init(&path, ADDRESS_MAX + 16);
	buf_addf(&path, "<%s> X=1", address->text);
	assert(path_parse(buf_span(&path), &again, &used, &quirks, &why) ==
	    PATH_OK);
	assert(used == path.len - 3 && quirks == 0 && !again.source_route);
	assert_same(address, &again);
	buf_clear(&path);
}

static void
read_path(struct span text)
{
	struct address address;
	const char *why = NULL;
	struct span rest;
	unsigned quirks;
	size_t used;

	if (path_parse(text, &address, &used, &quirks, &why) != PATH_OK) {
		assert(why != NULL && why[0] != '\0');
		return;
	}
	assert(used <= text.len);
	rest = span_skip(text, used);
	assert(rest.len == 0 || memchr(" \t<", rest.data[0], 3) == NULL);
	look_at(&address);
	read_again(&address);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_make((const char *)data, size);
	struct address address;
	const char *why = NULL;

	read_path(text);
	if (address_parse(text, &address, &why) == PATH_OK) {
		look_at(&address);
		read_again(&address);
	} else {
		assert(why != NULL && why[0] != '\0');
	}
	return 0;
}
