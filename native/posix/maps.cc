#include "posix/maps.h"

#include <string.h>

namespace prefork {

// start-end rwxp offset major:minor inode   path
Mapping parse_mapping(const char* line) {
  Mapping mapping = {};
  mapping.start = read_hex(line);
  ++line;
  mapping.end = read_hex(line);
  mapping.accessible = line[1] != '-' || line[2] != '-' || line[3] != '-';
  const bool is_private = line[4] == 'p';
  line += 6;
  mapping.offset = read_hex(line);
  line = strchr(line + 1, ' ') + 1;
  mapping.inode = read_decimal(line);
  while (*line == ' ') ++line;
  const bool is_special = *line == '[' && strncmp(line, "[anon", 5) != 0;
  mapping.anonymous = is_private && mapping.inode == 0 && !is_special;
  mapping.ring = strcmp(line, "anon_inode:[io_uring]") == 0;
  return mapping;
}

}  // namespace prefork
