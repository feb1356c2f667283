// Fuzz targets as an ordinary test: each file of the corpus, cut at every place, and some thousand mutations of it, the same
// in each run. A target that fails aborts; what it was given is then printed in hexadecimal, to be kept in its corpus.
#include "tests/fuzz/replay.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <string_view>

namespace mailmesh::fuzz {
namespace {

constexpr size_t kMutations = 4000;
constexpr size_t kMaxCuts = 1500;
constexpr size_t kMaxSize = 16 * 1024;
// Slow targets (password hashing) get through fewer mutations.
constexpr auto kTimeLimit = std::chrono::seconds(2);

// Of the signal handler.
const uint8_t* current_data = nullptr;
size_t current_size = 0;

// Async-signal-safe.
void PrintInput(int signal) {
  constexpr char kDigits[] = "0123456789abcdef";
  constexpr char kTitle[] = "\nfailed on: ";
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, kTitle, sizeof(kTitle) - 1);
  for (size_t i = 0; i < std::min<size_t>(current_size, 4096); ++i) {
    const char octet[] = {kDigits[current_data[i] >> 4], kDigits[current_data[i] & 15]};
    written = write(STDERR_FILENO, octet, sizeof(octet));
  }
  written = write(STDERR_FILENO, "\n", 1);
  std::signal(signal, SIG_DFL);
  raise(signal);
}

void Feed(const Target& target, std::string_view input) {
  // A block of exactly this size: a sanitizer sees the first octet that is read too far.
  const std::unique_ptr<uint8_t[]> copy(new uint8_t[input.size()]);
  std::memcpy(copy.get(), input.data(), input.size());
  current_data = copy.get();
  current_size = input.size();
  EXPECT_EQ(target.run(copy.get(), input.size()), 0);
  current_size = 0;
}

std::vector<std::string> Corpus(const Target& target) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(CorpusFolder()) / target.name)) {
    paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> inputs;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

class Mutator {
 public:
  explicit Mutator(const std::vector<std::string>& corpus) : corpus_(corpus) {}

  std::string Next() {
    std::string input = corpus_[Below(corpus_.size())];
    for (size_t i = Below(4) + 1; i > 0; --i) Mutate(input);
    if (input.size() > kMaxSize) input.resize(kMaxSize);
    return input;
  }

 private:
  // What grammars of mail look at.
  static constexpr char kOctets[] = "\0\r\n\t .,;:@<>()[]{}\"\\=?*%+-/~&_09azAZ\x7f\x80\xc3\xff";

  size_t Below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void Mutate(std::string& input) {
    const size_t at = Below(input.size() + 1);
    const size_t length = Below(std::min<size_t>(input.size() - at, 32) + 1);
    switch (random_() % 6) {
      case 0:
        if (at < input.size()) input[at] = static_cast<char>(input[at] ^ (1 << Below(8)));
        break;
      case 1:
        input.insert(at, 1 + Below(3), kOctets[Below(sizeof(kOctets) - 1)]);
        break;
      case 2:
        input.erase(at, length);
        break;
      case 3:
        input.insert(at, input.substr(Below(input.size()), 1 + Below(64)));
        break;
      case 4:
        input.resize(at);
        input += Other();
        break;
      case 5:
        if (at < input.size()) input[at] = kOctets[Below(sizeof(kOctets) - 1)];
        break;
    }
  }
  // The end of an input of the corpus.
  std::string_view Other() {
    const std::string& other = corpus_[Below(corpus_.size())];
    return std::string_view(other).substr(Below(other.size()));
  }

  const std::vector<std::string>& corpus_;
  std::minstd_rand random_{1};
};

class FuzzTargets : public testing::TestWithParam<Target> {
 protected:
  static void SetUpTestSuite() {
    for (int signal : {SIGABRT, SIGSEGV, SIGFPE, SIGILL, SIGBUS}) std::signal(signal, PrintInput);
  }
};

TEST_P(FuzzTargets, TakeTheirCorpusWholeAndCut) {
  const std::vector<std::string> corpus = Corpus(GetParam());
  ASSERT_FALSE(corpus.empty());
  Feed(GetParam(), "");
  for (const std::string& input : corpus) {
    const size_t step = input.size() / kMaxCuts + 1;
    for (size_t size = 0; size < input.size(); size += step) Feed(GetParam(), std::string_view(input).substr(0, size));
    Feed(GetParam(), input);
  }
}

TEST_P(FuzzTargets, TakeMutations) {
  const std::vector<std::string> corpus = Corpus(GetParam());
  ASSERT_FALSE(corpus.empty());
  Mutator mutator(corpus);
  const auto end = std::chrono::steady_clock::now() + kTimeLimit;
  for (size_t i = 0; i < kMutations && std::chrono::steady_clock::now() < end; ++i) Feed(GetParam(), mutator.Next());
}

INSTANTIATE_TEST_SUITE_P(, FuzzTargets, testing::ValuesIn(Targets()),
                         [](const testing::TestParamInfo<Target>& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace mailmesh::fuzz
