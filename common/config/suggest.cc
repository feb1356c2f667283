#include "common/config/suggest.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <utility>

namespace mailmesh::config {
namespace {

// Names in camelCase or with hyphens are the same words in another habit.
std::string Normal(std::string_view name) {
  std::string normal;
  for (const char c : name.substr(0, 80)) {
    if (std::isupper(static_cast<unsigned char>(c)) && !normal.empty() && normal.back() != '_') normal += '_';
    normal += c == '-' || c == ' ' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return normal;
}

// Levenshtein's distance: inserted, deleted and replaced letters.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row.back();
}

}  // namespace

std::string Nearest(std::string_view name, const std::vector<std::string>& known) {
  const std::string normal = Normal(name);
  std::string best;
  size_t best_distance = std::max<size_t>(2, normal.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const size_t distance = Distance(normal, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace mailmesh::config
