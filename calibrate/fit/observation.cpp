#include "calibrate/fit/observation.h"

#include "calibrate/fit/robust.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace ridge {
namespace {

double padded(double x, double tile) { return tile > 1 ? std::ceil(x / tile) * tile : x; }

double prefill_pairs(const Measurement& x, const Tile& tile) {
  const double queries = x.size("query_tokens"), keys = x.size("key_tokens");
  const bool is_causal = queries > 1 && x.size("causal", 1) > 0;
  if (!is_causal) return padded(queries, tile.rows) * padded(keys, tile.columns);
  constexpr double most_tiles = 1e7;
  double pairs = 0;
  if (!(tile.rows >= 1) || queries / tile.rows > most_tiles)
    return queries * (keys - queries) + queries * (queries + 1) / 2;  // no such kernel: by definition
  for (double first = 0; first < queries; first += tile.rows) {
    const double seen = std::min(keys, first + tile.rows + keys - queries);
    pairs += tile.rows * padded(seen, tile.columns);
  }
  return pairs;
}

/// For every tile of keys those of queries from the first that sees it (counted so in cuDNN 9.19; 9.14 does one more).
double backward_pairs(const Measurement& x, const Tile& tile) {
  const double queries = x.size("query_tokens"), keys = x.size("key_tokens");
  if (!(tile.columns > 1) || queries != keys || keys / tile.columns > 1e7) return prefill_pairs(x, tile);
  const double all = std::ceil(queries / tile.rows);
  double tiles = 0;
  for (double first = 0; first < keys; first += tile.columns)
    tiles += x.size("causal", 1) > 0 ? all - std::max(0.0, std::floor(first / tile.rows)) : all;
  return tiles * tile.rows * tile.columns;
}

/// Number that starts at `at`, which moves behind it; 0 for none.
int number_at(std::string_view text, std::size_t& at) {
  int value = 0;
  const auto [end, problem] = std::from_chars(text.data() + at, text.data() + text.size(), value);
  if (problem != std::errc()) return 0;
  at = static_cast<std::size_t>(end - text.data());
  return value;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

double sum_of(const Observation& o, std::initializer_list<const char*> names) {
  double sum = 0;
  for (const char* name : names)
    if (const auto it = o.counted.find(name); it != o.counted.end()) sum += it->second;
  return sum;
}

}  // namespace

Flop executed_flops(const Measurement& x, const Tile& tile) {
  const auto work = work_of(x);
  if (!work) return Flop{};
  if (x.family == "gemm")
    return Flop{2 * padded(x.size("m"), tile.rows * tile.cluster_rows) *
                padded(x.size("n"), tile.columns * tile.cluster_columns) * x.size("k") * x.size("count", 1)};
  const double heads = x.size("heads"), kv_heads = x.size("kv_heads", heads);
  const double each = 4 * x.size("batch") * x.size("head_dim");
  if (x.family == "attention_prefill") return Flop{each * heads * prefill_pairs(x, tile)};
  if (x.family == "attention_decode")
    return Flop{each * kv_heads * padded(heads / kv_heads, tile.rows) *
                padded(x.size("key_tokens"), tile.columns)};
  if (x.family == "attention_backward") return Flop{2.5 * each * heads * backward_pairs(x, tile)};
  if (x.family == "attention_latent")
    return Flop{2 * x.size("batch") * padded(heads, tile.rows) * padded(x.size("key_tokens"), tile.columns) *
                (x.size("head_dim") + x.size("latent_dim"))};
  return work->flops;
}

Tile tile_of_name(std::string_view kernel) {
  constexpr int least = 8, most = 1024;
  int rows = 0, columns = 0, cluster_rows = 0, cluster_columns = 0;
  std::size_t behind = 0;
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    if (!is_digit(kernel[i]) || (i > 0 && is_digit(kernel[i - 1]))) continue;
    std::size_t at = i;
    const int a = number_at(kernel, at);
    if (at + 1 >= kernel.size() || kernel[at] != 'x' || !is_digit(kernel[at + 1])) continue;
    const int b = number_at(kernel, ++at);
    const bool is_tile = std::min(a, b) >= least && std::max(a, b) <= most && a * b > rows * columns;
    if (is_tile) columns = a, rows = b, cluster_rows = 0;
    else if (rows > 0 && cluster_rows == 0 && a > 0 && b > 0 && std::max(a, b) <= least)
      cluster_columns = a, cluster_rows = b, behind = at;
  }
  if (rows == 0) return {};
  if (kernel.find("xmma") != kernel.npos) std::swap(rows, columns);  // named by our rows
  Tile t{static_cast<double>(rows), static_cast<double>(columns)};
  if (cluster_rows > 0) t.cluster_rows = cluster_rows, t.cluster_columns = cluster_columns;
  t.is_grouped_by_columns = behind > 0 && kernel.substr(behind).starts_with("_v_");
  return t;
}

Tile attention_tile_of_name(std::string_view kernel) {
  if (kernel.find("sdpa") == kernel.npos) return {};
  constexpr int least = 16;
  for (std::size_t i = 0; i < kernel.size(); ++i) {
    if (!is_digit(kernel[i]) || (i > 0 && is_digit(kernel[i - 1]))) continue;
    std::size_t at = i;
    const int queries = number_at(kernel, at);
    if (at + 1 >= kernel.size() || kernel[at] != 'x' || !is_digit(kernel[at + 1])) continue;
    const int keys = number_at(kernel, ++at);
    if (std::min(queries, keys) < least) continue;
    const bool is_backward = kernel.find("bprop") != kernel.npos;
    return {queries * (is_backward ? 1.0 : 2.0), keys * (is_backward ? 2.0 : 1.0)};
  }
  return {};
}

Bytes product_traffic(const Measurement& x, const Tile& tile, const Chip& chip) {
  constexpr double group = 8, kept_share = 6;
  const double m = x.size("m"), n = x.size("n"), k = x.size("k"), a = x.size("activation_bytes", 2);
  const double rows = m * k * a, columns = n * k * x.size("weight_bytes", 2);
  const double along_rows = std::ceil(m / tile.rows), along_columns = std::ceil(n / tile.columns);
  const bool by_columns = tile.is_grouped_by_columns;
  const double own = by_columns ? columns : rows, other = by_columns ? rows : columns;
  const double own_tiles = by_columns ? along_columns : along_rows,
               other_tiles = by_columns ? along_rows : along_columns;
  const double at_once = std::max(1.0, chip.multiprocessors);
  const double kept = chip.l2.value() / kept_share;
  const double width = std::max({group, at_once / other_tiles, std::floor(kept * own_tiles / own)});
  const double part = own * std::min(1.0, width / own_tiles);
  const double step = at_once / std::min(group, own_tiles);
  const double passes = part <= kept ? 1 : std::max(1.0, other_tiles / step);
  const double reads = own * passes + other * std::ceil(own_tiles / width);
  return Bytes{x.size("count", 1) * (reads + m * n * x.size("output_bytes", a))};
}

namespace {

Tile tile_of(const Observation& o) {
  // A product that widens its weights or sums parts runs other kernels beside the one that multiplies.
  if (o.what.family == "gemm")
    for (const std::string& k : o.kernels)
      if (const Tile named = tile_of_name(k); named.rows > 1) return named;
  if (o.tile.rows > 1 || o.kernels.empty() || o.what.family == "gemm") return o.tile;
  return attention_tile_of_name(o.kernels.front());
}

bool has_kernel(const Observation& o, std::string_view part) {
  return std::ranges::any_of(o.kernels, [&](const std::string& k) { return k.find(part) != k.npos; });
}

/// Our products with narrow weights (calibrate/cuda/weight_kernels.cu).  Of few rows: a pass over the weights for each
/// tile of rows, but of blocks at work together, two a multiprocessor, and weights that half the cache keeps.  Of many:
/// widened weights W' are written, then a product reads them.
Bytes narrow_traffic(const Observation& o, const Tile& tile, const Chip& chip) {
  const Measurement& x = o.what;
  const double m = x.size("m"), n = x.size("n"), k = x.size("k"), weights = n * k * x.size("weight_bytes");
  if (has_kernel(o, "expand")) {
    Measurement wide = x;
    wide.sizes["weight_bytes"] = 2;
    return Bytes{weights + 2 * n * k} + product_traffic(wide, tile, chip);
  }
  const double passes = std::ceil(m / tile.rows), blocks = passes * std::ceil(n / tile.columns);
  const double apart = std::clamp(blocks / (2 * std::max(1.0, chip.multiprocessors)), 1.0, passes);
  return work_of(x)->bytes + Bytes{2 * weights <= chip.l2.value() ? 0 : (apart - 1) * weights};
}

/// cuDNN's backward pass: O and dO once more for their sums; dQ summed in fp32, so zeroed, read, written, and narrowed
/// behind; dK and dV of every query head, where a KV head has several, written and added up.
Bytes backward_traffic(const Measurement& x) {
  const double heads = x.size("heads"), kv_heads = x.size("kv_heads", heads);
  const double one = 2 * x.size("batch") * x.size("head_dim"), q = one * heads * x.size("query_tokens"),
               k = one * kv_heads * x.size("key_tokens");
  return Bytes{(heads > kv_heads ? 17 : 13) * q + 4 * k};
}

Bytes analysed_bytes(const Observation& o, const Tile& tile, const Chip& chip) {
  const auto work = work_of(o.what);
  if (!work) return Bytes{o.what.size("bytes")};
  if (has_kernel(o, "bprop")) return backward_traffic(o.what);
  if (o.what.family == "gemm" && o.what.library == "ridge" && o.what.variant.ends_with("-weights"))
    return narrow_traffic(o, tile, chip);
  return o.what.family == "gemm" && tile.rows > 1 ? product_traffic(o.what, tile, chip) : work->bytes;
}

bool is_sane(const Observation& o) {
  constexpr double largest = 1e18;
  const auto is_good = [](const auto& named) { return named.second >= 0 && named.second <= largest; };
  const bool has_sizes =
      o.what.family != "gemm" || (o.what.size("m") > 0 && o.what.size("n") > 0 && o.what.size("k") > 0);
  return has_sizes && std::ranges::all_of(o.what.sizes, is_good) &&
         std::ranges::all_of(o.counted, [](const auto& q) { return q.second >= 0 && q.second <= 1e30; });
}

}  // namespace

std::vector<CountedKernel> counted_kernels(std::span<const Observation> all, const Chip& chip) {
  std::vector<CountedKernel> out;
  for (const Observation& o : all) {
    if (o.counted.empty() || !is_sane(o)) continue;
    CountedKernel c{o.what.family, o.what.variant, sizes_text(o.what),
                    o.kernels.empty() ? "" : o.kernels.front(), tile_of(o)};
    const auto work = work_of(o.what);
    c.needed = work ? work->flops : Flop{};
    c.executed = executed_flops(o.what, c.tile);
    c.fma_flops = Flop{sum_of(o, {counted_fma_flops})};
    const Flop tensor{sum_of(o, {counted_tensor_flops})};
    c.counted_flops = tensor > Flop{} ? tensor : c.fma_flops;
    if (c.executed >= Flop{1} && c.counted_flops > Flop{}) c.flop_ratio = c.counted_flops / c.executed;
    c.memory = work ? work->bytes : Bytes{o.what.size("bytes")};
    c.moved = analysed_bytes(o, c.tile, chip);
    c.counted_memory = Bytes{sum_of(o, {counted_read, counted_written})};
    if (c.moved >= Bytes{1} && c.counted_memory > Bytes{}) c.memory_ratio = c.counted_memory / c.moved;
    c.is_past_l2 = c.memory > 2.0 * chip.l2;
    c.l2 = Bytes{sum_of(o, {counted_l2})};
    c.tensor_active = sum_of(o, {counted_tensor_active});
    out.push_back(std::move(c));
  }
  return out;
}

std::vector<CountedFamily> counted_families(std::span<const CountedKernel> all) {
  std::map<std::pair<std::string, std::string>, std::pair<std::vector<double>, std::vector<double>>> groups;
  for (const CountedKernel& k : all) {
    auto& [flops, memory] = groups[{k.family, k.variant}];
    if (k.flop_ratio > 0) flops.push_back(std::abs(k.flop_ratio - 1));
    if (k.is_past_l2 && k.memory_ratio > 0) memory.push_back(std::abs(k.memory_ratio - 1));
  }
  std::vector<CountedFamily> out;
  for (const auto& [key, errors] : groups)
    out.push_back({key.first, key.second, static_cast<std::int64_t>(errors.first.size()),
                   static_cast<std::int64_t>(errors.second.size()), quantile(errors.first, 1),
                   median(errors.second)});
  return out;
}

std::vector<TracedFamily> traced_families(std::span<const Observation> all) {
  struct Group {
    std::vector<double> gaps, differences;
    std::map<std::string, std::int64_t> kernels;
  };
  std::map<std::pair<std::string, std::string>, Group> groups;
  for (const Observation& o : all) {
    if (!(o.traced_time > Seconds{}) || !(o.event_time > Seconds{})) continue;
    Group& g = groups[{o.what.family, o.what.variant}];
    g.gaps.push_back((o.event_time - o.traced_time).value());
    g.differences.push_back(std::abs(o.event_time / o.traced_time - 1));
    for (const std::string& k : o.kernels) ++g.kernels[k];
  }
  std::vector<TracedFamily> out;
  for (const auto& [key, g] : groups) {
    TracedFamily t{key.first, key.second, static_cast<std::int64_t>(g.gaps.size())};
    t.gap = Seconds{median(g.gaps)};
    t.difference = median(g.differences), t.p90 = quantile(g.differences, 0.9);
    std::vector<std::pair<std::string, std::int64_t>> names(g.kernels.begin(), g.kernels.end());
    std::ranges::stable_sort(names, std::greater{}, [](const auto& n) { return n.second; });
    for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 4); ++i)
      t.kernels.push_back(names[i].first);
    out.push_back(std::move(t));
  }
  return out;
}

}  // namespace ridge
