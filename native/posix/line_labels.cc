#include "posix/line_labels.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>

#include "posix/imports.h"

namespace prefork {

namespace {

struct Label {
  char bytes[kLongestLabel];
  size_t length;
};
// Set before anything is replaced, and not changed afterwards.
Label prefix;
Label field;

struct Output {
  int fds[2];
  std::atomic<bool> is_in_line;
};
Output outputs[2] = {{{1, -1}, {false}}, {{2, -1}, {false}}};

Output* output_of(int fd) {
  for (Output& output : outputs) {
    if (fd == output.fds[0] || fd == output.fds[1]) return &output;
  }
  return nullptr;
}

void take(Label* label, const char* bytes, size_t length) {
  memcpy(label->bytes, bytes, length);
  label->length = length;
}

// What is left of the caller's bytes.
class Source {
 public:
  Source(const iovec* parts, int count) : parts_(parts), left_(count) { skip_empty(); }

  bool is_empty() const { return left_ == 0; }
  const char* bytes() const { return static_cast<const char*>(parts_->iov_base) + at_; }
  size_t length() const { return parts_->iov_len - at_; }
  // Up to the end of the line, or of what lies together.
  size_t piece() const {
    const void* const end = memchr(bytes(), '\n', length());
    return end == nullptr ? length()
                          : static_cast<size_t>(static_cast<const char*>(end) - bytes()) + 1;
  }
  void take(size_t count) {
    at_ += count;
    skip_empty();
  }

 private:
  void skip_empty() {
    while (left_ > 0 && at_ == parts_->iov_len) {
      parts_++;
      left_--;
      at_ = 0;
    }
  }

  const iovec* parts_;
  int left_;
  size_t at_ = 0;
};

// What goes out by one call: whole lines as long as they fit. No more than a pipe takes all of or
// nothing (pipe(7)): so no label is written in part, and lines of several processes do not mix.
class Batch {
 public:
  explicit Batch(bool is_in_line) : is_in_line_(is_in_line) {}

  void fill(Source source) {
    while (!source.is_empty() && add_piece(&source)) {
    }
  }

  // How many of the caller's bytes have been written, or -1. `*is_in_line`: afterwards.
  ssize_t write(int fd, bool* is_in_line) const {
    const ssize_t written = ::writev(fd, parts_, count_);
    if (written == 0) errno = EAGAIN;  // or this would go on for ever
    if (written <= 0) return -1;
    size_t left = static_cast<size_t>(written);
    ssize_t own = 0;
    for (int i = 0; i < count_ && (left > 0 || owed_before(i)); i++) {
      const size_t part = left < parts_[i].iov_len ? left : parts_[i].iov_len;
      left -= part;
      if (is_label_[i]) {
        finish(fd, static_cast<const char*>(parts_[i].iov_base) + part, parts_[i].iov_len - part);
        *is_in_line = true;
      } else {
        own += static_cast<ssize_t>(part);
        *is_in_line = static_cast<const char*>(parts_[i].iov_base)[part - 1] != '\n';
      }
    }
    return own;
  }

 private:
  static constexpr int kMostParts = 128;

  bool add_piece(Source* source) {
    const size_t piece = source->piece();
    if (is_in_line_) return add_bytes(source, piece);
    const bool has_field = field.length > 0 && source->length() > 1 && source->bytes()[0] == '{' &&
                           source->bytes()[1] == '"';
    const Label& label = has_field ? field : prefix;
    const bool fits = size_ + label.length + piece <= PIPE_BUF && count_ + 3 <= kMostParts;
    if (!fits && count_ > 0) return false;
    if (has_field) add_bytes(source, 1);
    add({const_cast<char*>(label.bytes), label.length}, true);
    return add_bytes(source, has_field ? piece - 1 : piece);
  }

  // As many of them as there is room for: whether that was all. What has no label may be longer.
  bool add_bytes(Source* source, size_t count) {
    const size_t room = PIPE_BUF - size_;
    if (count_ == kMostParts || (count > room && count_ > 0 && !has_label_)) return false;
    const size_t taken = count_ == 0 || count < room ? count : room;
    if (taken == 0) return false;
    const char* const bytes = source->bytes();
    add({const_cast<char*>(bytes), taken}, false);
    is_in_line_ = bytes[taken - 1] != '\n';
    source->take(taken);
    return taken == count && size_ < PIPE_BUF;
  }

  void add(const iovec& part, bool is_label) {
    parts_[count_] = part;
    is_label_[count_++] = is_label;
    size_ += part.iov_len;
    has_label_ = has_label_ || is_label;
  }

  // The brace is out, and what belongs behind it is not.
  bool owed_before(int i) const {
    return i > 0 && is_label_[i] && !is_label_[i - 1] && parts_[i - 1].iov_len == 1 &&
           *static_cast<const char*>(parts_[i - 1].iov_base) == '{';
  }

  // Of a terminal that has room for a part of it.
  static void finish(int fd, const char* bytes, size_t length) {
    while (length > 0) {
      const ssize_t written = ::write(fd, bytes, length);
      if (written > 0) {
        bytes += written;
        length -= static_cast<size_t>(written);
        continue;
      }
      if (errno != EINTR && errno != EAGAIN) return;
      pollfd room = {fd, POLLOUT, 0};
      poll(&room, 1, -1);
    }
  }

  bool is_in_line_;
  bool has_label_ = false;
  size_t size_ = 0;
  int count_ = 0;
  iovec parts_[kMostParts];
  bool is_label_[kMostParts];
};

// As writev(2), which says that less was written where there was no room for more.
ssize_t write_lines(Output* output, int fd, const iovec* parts, int count) {
  Source source(parts, count);
  ssize_t done = 0;
  bool is_in_line = output->is_in_line;
  while (!source.is_empty()) {
    Batch batch(is_in_line);
    batch.fill(source);
    const ssize_t own = batch.write(fd, &is_in_line);
    output->is_in_line = is_in_line;
    if (own < 0) return done > 0 ? done : -1;
    done += own;
    for (size_t left = static_cast<size_t>(own); left > 0;) {
      const size_t part = left < source.length() ? left : source.length();
      source.take(part);
      left -= part;
    }
  }
  return done;
}

// --- what is called instead, by any thread

ssize_t write_labelled(int fd, const void* bytes, size_t length) {
  Output* const output = output_of(fd);
  if (output == nullptr || length == 0) return ::write(fd, bytes, length);
  const iovec part = {const_cast<void*>(bytes), length};
  return write_lines(output, fd, &part, 1);
}

ssize_t writev_labelled(int fd, const iovec* parts, int count) {
  Output* const output = output_of(fd);
  if (output == nullptr || count <= 0) return ::writev(fd, parts, count);
  return write_lines(output, fd, parts, count);
}

// With this Node says why an exception ends it. Nothing is gathered for stderr (stderr(3)).
size_t fwrite_labelled(const void* bytes, size_t size, size_t count, FILE* stream) {
  if (stream != stderr || size == 0) return ::fwrite(bytes, size, count, stream);
  const auto* next = static_cast<const char*>(bytes);
  for (size_t left = size * count; left > 0;) {
    const ssize_t written = write_labelled(2, next, left);
    if (written > 0) {
      next += written;
      left -= static_cast<size_t>(written);
      continue;
    }
    if (written < 0 && errno != EINTR && errno != EAGAIN) return 0;
    pollfd room = {2, POLLOUT, 0};
    poll(&room, 1, -1);
  }
  return count;
}

template <typename Function>
bool replace(const void* inside, const char* name, const char* other_name, Function function) {
  Import import(inside, name, other_name);
  return import.is_found() && import.replace(reinterpret_cast<void*>(function)) == 0;
}

}  // namespace

int label_lines(const LineLabels& labels, const int terminals[2], const void* libuv,
                const void* node) {
  if (labels.prefix_length > kLongestLabel || labels.field_length > kLongestLabel) return -EINVAL;
  take(&prefix, labels.prefix, labels.prefix_length);
  take(&field, labels.field, labels.field_length);
  for (int i = 0; i < 2; i++) outputs[i].fds[1] = terminals[i];
  if (!replace(libuv, "write", "__write", write_labelled)) return -ENOSYS;
  replace(libuv, "writev", "__writev", writev_labelled);
  replace(node, "fwrite", "fwrite_unlocked", fwrite_labelled);
  return 0;
}

}  // namespace prefork
