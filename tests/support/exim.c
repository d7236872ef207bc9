/*
 * exim - a private Exim to send to.
 *
 * Job:     write its configuration, run it in the foreground, look into what
 *          it has kept, end it.
 * Called:  by test_exim_hop.
 * Owns:    its folder, port and process.
 * Never:   touches the Exim that the machine may have.
 */
#include "tests/support/exim.h"

#include <sys/stat.h>

#include <check.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/xalloc.h"
#include "tests/support/certs.h"
#include "tests/support/folder.h"
#include "tests/support/port.h"
#include "tests/support/program.h"

#define PROGRAM "build/exim/usr/sbin/exim4"

enum {
	PATH_ROOM = 128,
	CONF_MAX = 8192,
	NOBODY = 65534,
	FILE_MAX = 1 << 20,
};

struct exim {
	char folder[FOLDER_MAX];
	char program[PATH_MAX];
	struct certs *certs;
	uint16_t port;
	int reserved;
	pid_t pid;
};

static const char conf[] =
    "exim_path = %s\n"
    "daemon_smtp_ports = %u\n"
    "tls_certificate = %s\n"
    "tls_privatekey = %s\n"
    "message_size_limit = %d\n"
    "spool_directory = %s/spool\n"
    "log_file_path = %s/log/%%slog\n"
    "local_interfaces = 127.0.0.1\n"
    "primary_hostname = exim.test\n"
    "keep_environment = LD_PRELOAD : NSS_WRAPPER_PASSWD : NSS_WRAPPER_GROUP\n"
    "add_environment =\n"
    "deliver_drop_privilege\n"
    "smtp_accept_max = 0\n"
    "smtp_accept_queue_per_connection = 0\n"
    "host_lookup =\n"
    "rfc1413_hosts =\n"
    "helo_accept_junk_hosts = *\n"
    "chunking_advertise_hosts = *\n"
    "pipelining_advertise_hosts = *\n"
    "dsn_advertise_hosts = *\n"
    "tls_advertise_hosts = *\n"
    "prdr_enable\n"
    "acl_smtp_rcpt = rcpt\n"
    "begin acl\n"
    "rcpt:\n"
    "  deny local_parts = never\n"
    "    message = 5.1.1 no such mailbox here\n"
    "  defer local_parts = later\n"
    "    message = 4.2.1 that mailbox is busy\n"
    "  accept\n"
    "begin routers\n"
    "all:\n"
    "  driver = accept\n"
    "  transport = file\n"
    "begin transports\n"
    "file:\n"
    "  driver = appendfile\n"
    "  directory = %s/mail\n"
    "  message_prefix =\n"
    "  message_suffix =\n"
    "  check_string =\n"
    "  envelope_to_add\n"
    "  use_crlf\n"
    "  batch_max = 100\n";

static void
make_certificate(struct exim *exim)
{
	struct certs_wish wish = { .ip = "127.0.0.1" };

	exim->certs = certs_new();
	certs_issue(exim->certs, "exim", &wish);
	/* Exim reads them as nobody, when a connection comes. */
	ck_assert_int_eq(chmod(certs_path(exim->certs, ""), 0755), 0);
	ck_assert_int_eq(chmod(certs_path(exim->certs, "exim.key"), 0644), 0);
}

static void
configure(struct exim *exim)
{
	char text[CONF_MAX];

	ck_assert_msg(realpath(PROGRAM, exim->program) != NULL,
	    "%s is missing: tests/support/fetch-package", PROGRAM);
	folder_make(exim->folder, "spool", NOBODY);
	folder_make(exim->folder, "log", NOBODY);
	folder_make(exim->folder, "mail", NOBODY);
	make_certificate(exim);
	snprintf(text, sizeof(text), conf, exim->program, exim->port,
	    certs_path(exim->certs, "exim.pem"),
	    certs_path(exim->certs, "exim.key"), EXIM_SIZE, exim->folder,
	    exim->folder, exim->folder);
	folder_write(exim->folder, "conf", text);
	/* The user that Debian's Exim insists on is nobody. */
	folder_write(exim->folder, "passwd",
	    "root:x:0:0::/:/bin/sh\n"
	    "Debian-exim:x:65534:65534::/:/bin/false\n");
	folder_write(exim->folder, "group",
	    "root:x:0:\nDebian-exim:x:65534:\n");
}

struct exim *
exim_new(void)
{
	struct exim *exim = xcalloc(1, sizeof(*exim));
	char file[PATH_ROOM], log[PATH_ROOM], pid[PATH_ROOM];
	char passwd[PATH_ROOM], group[PATH_ROOM];
	const char *argv[] = { "env", "LD_PRELOAD=libnss_wrapper.so", passwd,
		group, exim->program, "-C", file, "-bdf", "-oP", pid, NULL };

	folder_new(exim->folder, "exim");
	exim->port = port_reserve(&exim->reserved);
	configure(exim);
	snprintf(file, sizeof(file), "%s/conf", exim->folder);
	snprintf(log, sizeof(log), "%s/output", exim->folder);
	snprintf(pid, sizeof(pid), "%s/pid", exim->folder);
	snprintf(passwd, sizeof(passwd), "NSS_WRAPPER_PASSWD=%s/passwd",
	    exim->folder);
	snprintf(group, sizeof(group), "NSS_WRAPPER_GROUP=%s/group",
	    exim->folder);
	exim->pid = program_serve(argv, exim->port, log);
	ck_assert_msg(exim->pid != 0, "no Exim in %s", exim->folder);
	return exim;
}

uint16_t
exim_port(const struct exim *exim)
{
	return exim->port;
}

const char *
exim_authority(const struct exim *exim)
{
	return certs_path(exim->certs, "ca.pem");
}

void
exim_free(struct exim *exim)
{
	program_end(exim->pid);
	folder_remove(exim->folder);
	certs_free(exim->certs);
	close(exim->reserved);
	free(exim);
}

static bool
holds(const char *folder, const char *name, const char *text)
{
	static char bytes[FILE_MAX];
	char path[2 * PATH_ROOM];
	size_t len;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%.100s", folder, name);
	file = fopen(path, "r");
	if (file == NULL)
		return false;
	len = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	return memmem(bytes, len, text, strlen(text)) != NULL;
}

int
exim_kept(const struct exim *exim, const char *text)
{
	char folder[PATH_ROOM];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	snprintf(folder, sizeof(folder), "%s/mail", exim->folder);
	dir = opendir(folder);
	ck_assert_ptr_nonnull(dir);
	while ((entry = readdir(dir)) != NULL)
		/* q...: whole; a file that is being written has another name */
		if (entry->d_name[0] == 'q' &&
		    holds(folder, entry->d_name, text))
			count++;
	closedir(dir);
	return count;
}
