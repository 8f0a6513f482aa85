#include "daemon/yaml_file.h"

#include <errno.h>
#include <stdio.h>

int yaml_file_read(const char *path, int (*take)(void *context, yaml_document_t *document, struct err *e), void *context,
		   struct err *e)
{
	yaml_parser_t parser;
	yaml_document_t document;
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return err_sys(e, errno, "%s", path);
	int result;
	yaml_parser_initialize(&parser);
	yaml_parser_set_input_file(&parser, file);
	if (yaml_parser_load(&parser, &document) == 0) {
		result = err_set(e, "%s:%zu:%zu: %s", path, parser.problem_mark.line + 1, parser.problem_mark.column + 1,
				 parser.problem != NULL ? parser.problem : "cannot be read");
	} else {
		result = take(context, &document, e);
		yaml_document_delete(&document);
	}
	yaml_parser_delete(&parser);
	fclose(file);
	return result;
}
