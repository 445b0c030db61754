#pragma once
/// Reads and writes of a drive, past the system's page cache, by size and by how many are under way at once.
///
///   storage_read, storage_write    variant "random, depth 8", sizes {bytes: of one request}
///   time    wall time / requests: what a request costs while `depth` of them are under way.  At depth one it
///           is the latency, at a large depth bytes / time is the drive's bandwidth.
///
/// Safe    the file has no name (or loses it as soon as it is open), so that it is gone however the program
///         ends; it takes at most a quarter of what is free, and everything read is compared with what was
///         written before anything is timed.
/// Assumes O_DIRECT: where the file system refuses it, or keeps its files in memory, the probe is skipped and
///         says so.  Writes count as done when the drive says so, which for a drive with a cache is before they
///         would survive a power cut.

#include "calibrate/measure/point_runner.h"

#include <cstddef>
#include <cstdint>

namespace ridge {

/// Page-aligned memory of the process.
class AlignedBuffer {
 public:
  explicit AlignedBuffer(std::size_t bytes);
  ~AlignedBuffer();
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  char* at(std::size_t offset = 0) const { return data_ + offset; }

 private:
  char* data_;
};

/// A file without a name, opened past the page cache.
class DirectFile {
 public:
  /// Throws ProbeError: no such folder, no room, memory instead of a drive, O_DIRECT refused.
  DirectFile(const std::string& folder, std::size_t bytes);
  ~DirectFile();
  DirectFile(const DirectFile&) = delete;
  DirectFile& operator=(const DirectFile&) = delete;
  std::size_t bytes() const { return bytes_; }
  /// Whole transfers; 0 or the error's number.
  int read(char* to, std::size_t bytes, std::size_t offset) const;
  int write(const char* from, std::size_t bytes, std::size_t offset) const;

 private:
  int file_ = -1;
  std::size_t bytes_;
};

/// Measures the drive that holds `folder`.  `most_bytes`: of the file.
void probe_storage(PointRunner&, const std::string& folder, std::size_t most_bytes);

/// As the back ends call it: the folder of the settings, else the current one.
void probe_storage(PointRunner&);

}  // namespace ridge
