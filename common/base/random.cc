#include "common/base/random.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "absl/time/time.h"
#include "common/base/bytes.h"

namespace mailmesh::base {
namespace {

// Crockford's alphabet: no letter that looks like a digit; in the order of ASCII, so that texts sort like ids.
constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";

// The last `characters` * 5 bits of a number, most significant first.
std::string Base32(unsigned __int128 number, int characters) {
  std::string text(characters, '0');
  for (int i = characters; i-- > 0; number >>= 5) text[i] = kAlphabet[static_cast<unsigned>(number & 31)];
  return text;
}

// For ids. The generator costs some 5 us a call, however little it is asked for, and ids are made for each command and message:
// each thread takes from it for many of them at once.
void TakeForId(std::span<uint8_t> out) {
  struct Batch {
    std::array<uint8_t, 640> octets;
    size_t used = 640;
  };
  static thread_local Batch batch;
  if (out.size() > batch.octets.size() - batch.used) {
    RandomBytes(batch.octets);
    batch.used = 0;
  }
  std::copy_n(batch.octets.begin() + batch.used, out.size(), out.begin());
  batch.used += out.size();
}

}  // namespace

void RandomBytes(std::span<uint8_t> out) {
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) != 1) {
    std::fputs("mailmesh: the random generator of OpenSSL failed\n", stderr);
    std::abort();
  }
}

std::string RandomString(size_t size) {
  std::string octets(size, '\0');
  RandomBytes({reinterpret_cast<uint8_t*>(octets.data()), size});
  return octets;
}

uint64_t RandomUint64() {
  uint64_t value;
  RandomBytes({reinterpret_cast<uint8_t*>(&value), sizeof(value)});
  return value;
}

uint64_t RandomBelow(uint64_t bound) {
  // Values below 2^64 mod bound would favour small results.
  const uint64_t skip = (0 - bound) % bound;
  uint64_t value;
  do {
    value = RandomUint64();
  } while (value < skip);
  return value % bound;
}

Id128 NewId(const Clock& clock) {
  constexpr int kTimeOctets = 6;
  Id128 id;
  TakeForId(std::span(id).subspan(kTimeOctets));
  const uint64_t milliseconds = static_cast<uint64_t>(absl::ToUnixMillis(clock.Now()));
  for (int i = 0; i < kTimeOctets; ++i) id[i] = static_cast<uint8_t>(milliseconds >> (8 * (5 - i)));
  return id;
}

std::string IdText(const Id128& id) {
  unsigned __int128 number = 0;
  for (uint8_t octet : id) number = number << 8 | octet;
  return Base32(number, 26);
}

std::string IdHex(const Id128& id) { return HexEncode({reinterpret_cast<const char*>(id.data()), id.size()}); }

std::string NewIdText(const Clock& clock) { return IdText(NewId(clock)); }

std::string NewSessionId() {
  uint64_t number;
  TakeForId({reinterpret_cast<uint8_t*>(&number), sizeof(number)});
  return Base32(number, 13);
}

}  // namespace mailmesh::base
