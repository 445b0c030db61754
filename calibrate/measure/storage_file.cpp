#include "calibrate/measure/storage.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <new>
#include <sys/statfs.h>
#include <unistd.h>

namespace ridge {
namespace {

constexpr std::size_t page = 4096;

std::string reason(int error) { return std::strerror(error); }

/// Without a name from the start where the file system can, else named for a moment.
int open_nameless(const std::string& folder) {
  const int flags = O_RDWR | O_DIRECT | O_CLOEXEC;
  const int file = open(folder.c_str(), flags | O_TMPFILE, 0600);
  if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return file;
  std::string name = folder + "/ridge-storage-XXXXXX";
  const int named = mkostemp(name.data(), O_DIRECT | O_CLOEXEC);
  const int error = errno;
  if (named >= 0) unlink(name.c_str());
  errno = error;
  return named;
}

}  // namespace

AlignedBuffer::AlignedBuffer(std::size_t bytes)
    : data_(static_cast<char*>(std::aligned_alloc(page, (bytes + page - 1) / page * page))) {
  if (!data_) throw ProbeError(fmt::format("no memory for {} bytes", bytes));
}
AlignedBuffer::~AlignedBuffer() { std::free(data_); }

DirectFile::DirectFile(const std::string& folder, std::size_t bytes) : bytes_(bytes / page * page) {
  struct statfs s {};
  if (statfs(folder.c_str(), &s) != 0)
    throw ProbeError(fmt::format("the folder '{}': {}", folder, reason(errno)));
  if (s.f_type == TMPFS_MAGIC || s.f_type == RAMFS_MAGIC)
    throw ProbeError(fmt::format("'{}' lies in memory, not on a drive", folder));
  const double free_bytes = static_cast<double>(s.f_bavail) * static_cast<double>(s.f_bsize);
  if (static_cast<double>(bytes_) > free_bytes / 4)
    throw ProbeError(fmt::format("'{}' has {:.0f} MB free, a file of {:.0f} MB wants four times its size",
                                 folder, 1e-6 * free_bytes, 1e-6 * static_cast<double>(bytes_)));
  file_ = open_nameless(folder);
  if (file_ < 0)
    throw ProbeError(
        fmt::format("the file system of '{}' opens no file past the page cache: {}", folder, reason(errno)));
  if (const int e = posix_fallocate(file_, 0, static_cast<off_t>(bytes_)); e != 0) {
    close(file_);
    throw ProbeError(fmt::format("no room for {} bytes in '{}': {}", bytes_, folder, reason(e)));
  }
}

DirectFile::~DirectFile() { close(file_); }

int DirectFile::read(char* to, std::size_t bytes, std::size_t offset) const {
  for (std::size_t done = 0; done < bytes;) {
    const ssize_t n = pread(file_, to + done, bytes - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : EIO;
    done += static_cast<std::size_t>(n);
  }
  return 0;
}

int DirectFile::write(const char* from, std::size_t bytes, std::size_t offset) const {
  for (std::size_t done = 0; done < bytes;) {
    const ssize_t n = pwrite(file_, from + done, bytes - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : EIO;
    done += static_cast<std::size_t>(n);
  }
  return 0;
}

}  // namespace ridge
