#include "common/sasl/password_hash.h"

#include <argon2.h>
#include <crypt.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <memory>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/bytes.h"
#include "common/base/random.h"
#include "common/base/status.h"
#include "common/sasl/prepare.h"

namespace mailmesh::sasl {
namespace {

constexpr size_t kSaltOctets = 16;
constexpr size_t kHashOctets = 32;
constexpr size_t kMaxHashText = 512;

std::optional<uint32_t> ParseNumber(std::string_view text) {
  uint32_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return value;
}

// Takes what is before `separator`, or the rest.
std::string_view TakeUntil(std::string_view& text, char separator) {
  size_t at = text.find(separator);
  std::string_view piece = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return piece;
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

struct Argon2Hash {
  argon2_type type = Argon2_id;
  uint32_t version = ARGON2_VERSION_10;
  Argon2Parameters parameters;
  std::string salt;
  std::string hash;
};

// The PHC string format writes base64 without padding.
std::optional<std::string> DecodeUnpadded(std::string_view text) {
  std::string padded(text);
  while (padded.size() % 4 != 0) padded.push_back('=');
  return base::Base64Decode(padded);
}

std::string EncodeUnpadded(std::string_view octets) {
  std::string text = base::Base64Encode(octets);
  while (!text.empty() && text.back() == '=') text.pop_back();
  return text;
}

std::optional<Argon2Parameters> ParseArgon2Parameters(std::string_view text) {
  Argon2Parameters parameters;
  struct {
    std::string_view prefix;
    uint32_t* out;
  } fields[] = {{"m=", &parameters.memory_kib}, {"t=", &parameters.passes}, {"p=", &parameters.lanes}};
  for (auto& field : fields) {
    std::string_view piece = TakeUntil(text, ',');
    if (!TakePrefix(piece, field.prefix)) return std::nullopt;
    std::optional<uint32_t> value = ParseNumber(piece);
    if (!value) return std::nullopt;
    *field.out = *value;
  }
  if (!text.empty()) return std::nullopt;
  return parameters;
}

absl::StatusOr<Argon2Hash> ParseArgon2(std::string_view text) {
  const absl::Status malformed = absl::InvalidArgumentError("not a well-formed Argon2 hash");
  Argon2Hash result;
  if (TakePrefix(text, "$argon2id$")) {
    result.type = Argon2_id;
  } else if (TakePrefix(text, "$argon2i$")) {
    result.type = Argon2_i;
  } else if (TakePrefix(text, "$argon2d$")) {
    result.type = Argon2_d;
  } else {
    return malformed;
  }
  if (TakePrefix(text, "v=")) {
    std::optional<uint32_t> version = ParseNumber(TakeUntil(text, '$'));
    if (version != ARGON2_VERSION_10 && version != ARGON2_VERSION_13) return malformed;
    result.version = *version;
  }
  std::optional<Argon2Parameters> parameters = ParseArgon2Parameters(TakeUntil(text, '$'));
  if (!parameters) return malformed;
  result.parameters = *parameters;
  std::optional<std::string> salt = DecodeUnpadded(TakeUntil(text, '$'));
  std::optional<std::string> hash = DecodeUnpadded(text);
  if (!salt || salt->size() < 8 || salt->size() > 64 || !hash || hash->size() < 12 || hash->size() > 64) return malformed;
  result.salt = *std::move(salt);
  result.hash = *std::move(hash);
  if (absl::Status status = CheckArgon2Parameters(result.parameters); !status.ok()) return status;
  return result;
}

// One thread whatever the number of lanes: the result is the same, and the pool decides how many cores hashing gets.
absl::StatusOr<std::string> ComputeArgon2(const Argon2Hash& how, const base::Secret& password, size_t out_octets) {
  std::string out(out_octets, '\0');
  std::string salt = how.salt;
  argon2_context context{};
  context.out = reinterpret_cast<uint8_t*>(out.data());
  context.outlen = static_cast<uint32_t>(out.size());
  // The library's interface is not const; without ARGON2_FLAG_CLEAR_PASSWORD it only reads.
  context.pwd = reinterpret_cast<uint8_t*>(const_cast<char*>(password.Reveal().data()));
  context.pwdlen = static_cast<uint32_t>(password.Reveal().size());
  context.salt = reinterpret_cast<uint8_t*>(salt.data());
  context.saltlen = static_cast<uint32_t>(salt.size());
  context.t_cost = how.parameters.passes;
  context.m_cost = how.parameters.memory_kib;
  context.lanes = how.parameters.lanes;
  context.threads = 1;
  context.version = how.version;
  context.flags = ARGON2_DEFAULT_FLAGS;
  int rc = argon2_ctx(&context, how.type);
  if (rc == ARGON2_OK) return out;
  if (rc == ARGON2_MEMORY_ALLOCATION_ERROR) return absl::ResourceExhaustedError("Argon2: no memory");
  return absl::InternalError(absl::StrCat("Argon2: ", argon2_error_message(rc)));
}

// crypt(5)'s alphabet; 64 for a character outside it.
uint32_t Itoa64(char c) {
  constexpr std::string_view kAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  size_t at = kAlphabet.find(c);
  return at == std::string_view::npos ? 64 : static_cast<uint32_t>(at);
}

// yescrypt: "$y$j9T$salt$hash": flavour j, log2(N) - 1, r - 1. At most 128 MiB (128 * r * N), as crypt_gensalt writes it.
bool YescryptWithinBounds(std::string_view rest) {
  std::string_view parameters = TakeUntil(rest, '$');
  if (parameters.size() != 3 || parameters[0] != 'j' || rest.empty()) return false;
  uint32_t log2_n = Itoa64(parameters[1]) + 1;
  uint32_t r = Itoa64(parameters[2]) + 1;
  return log2_n >= 4 && log2_n <= 18 && r <= 32 && (uint64_t{128} * r << log2_n) <= (uint64_t{128} << 20);
}

// scrypt: "$7$" N r p "salt$hash": one character for log2(N), five each for r and p, six bits a character.
bool ScryptWithinBounds(std::string_view rest) {
  if (rest.size() < 12) return false;
  auto five = [&](size_t at) {
    uint64_t value = 0;
    for (size_t i = 0; i < 5; ++i) value |= uint64_t{Itoa64(rest[at + i])} << (6 * i);
    return value;
  };
  uint64_t log2_n = Itoa64(rest[0]), r = five(1), p = five(6);
  return log2_n >= 4 && log2_n <= 20 && r >= 1 && r <= 64 && p == 1 && (uint64_t{128} * r << log2_n) <= (uint64_t{128} << 20);
}

// "$2b$10$...": a cost of 14 takes about a second.
bool BcryptWithinBounds(std::string_view rest) {
  if (rest.size() != 56 || rest[2] != '$') return false;
  std::optional<uint32_t> cost = ParseNumber(rest.substr(0, 2));
  return cost && *cost >= 4 && *cost <= 14;
}

// "$6$rounds=5000$salt$hash", the rounds optional.
bool ShaCryptWithinBounds(std::string_view rest) {
  if (!TakePrefix(rest, "rounds=")) return rest.find('$') != std::string_view::npos;
  std::optional<uint32_t> rounds = ParseNumber(TakeUntil(rest, '$'));
  return rounds && *rounds >= 1000 && *rounds <= 1'000'000 && rest.find('$') != std::string_view::npos;
}

bool CryptWithinBounds(Scheme scheme, std::string_view hash) {
  std::string_view rest = hash.substr(hash.find('$', 1) + 1);
  switch (scheme) {
    case Scheme::kYescrypt: return YescryptWithinBounds(rest);
    case Scheme::kScrypt: return ScryptWithinBounds(rest);
    case Scheme::kBcrypt: return BcryptWithinBounds(rest);
    case Scheme::kSha512Crypt:
    case Scheme::kSha256Crypt: return ShaCryptWithinBounds(rest);
    case Scheme::kMd5Crypt: return rest.find('$') != std::string_view::npos;
    case Scheme::kArgon2:
    case Scheme::kUnknown: return false;
  }
  return false;
}

absl::StatusOr<bool> VerifyCrypt(std::string_view hash, const base::Secret& password) {
  // 32 KiB: not for the stack of a pool's thread.
  auto area = std::make_unique<crypt_data>();
  base::Secret terminated{std::string(password.Reveal())};
  std::string setting(hash);
  const char* result = crypt_r(terminated.Reveal().data(), setting.c_str(), area.get());
  // "*0" and "*1" are its words for an error; a password over 512 octets is one, and fits no hash.
  bool failed = result == nullptr || result[0] == '*';
  bool equal = !failed && base::ConstantTimeEqual(result, hash);
  OPENSSL_cleanse(area.get(), sizeof(crypt_data));
  if (failed && password.Reveal().size() < CRYPT_MAX_PASSPHRASE_SIZE) {
    return absl::DataLossError("crypt(3) does not take the stored hash");
  }
  return equal;
}

}  // namespace

absl::Status CheckArgon2Parameters(const Argon2Parameters& p) {
  bool good = p.lanes >= 1 && p.lanes <= kMaxArgon2Lanes && p.passes >= 1 && p.passes <= kMaxArgon2Passes &&
              p.memory_kib >= 8 * p.lanes && p.memory_kib <= kMaxArgon2MemoryKib &&
              uint64_t{p.memory_kib} * p.passes <= kMaxArgon2TotalKib;
  if (good) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("Argon2 parameters m=", p.memory_kib, ",t=", p.passes, ",p=", p.lanes,
                                                 " are out of bounds: m up to ", kMaxArgon2MemoryKib, " KiB, m*t up to ",
                                                 kMaxArgon2TotalKib, " KiB, p up to ", kMaxArgon2Lanes));
}

absl::StatusOr<std::string> HashPassword(const base::Secret& password, const Argon2Parameters& parameters) {
  if (absl::Status status = CheckArgon2Parameters(parameters); !status.ok()) return status;
  if (password.Reveal().size() > kMaxPasswordOctets) return absl::InvalidArgumentError("the password is too long");
  Argon2Hash how;
  how.type = Argon2_id;
  how.version = ARGON2_VERSION_13;
  how.parameters = parameters;
  how.salt = base::RandomString(kSaltOctets);
  absl::StatusOr<std::string> hash = ComputeArgon2(how, password, kHashOctets);
  if (!hash.ok()) return hash.status();
  return absl::StrCat("$argon2id$v=19$m=", parameters.memory_kib, ",t=", parameters.passes, ",p=", parameters.lanes, "$",
                      EncodeUnpadded(how.salt), "$", EncodeUnpadded(*hash));
}

Scheme SchemeOf(std::string_view hash) {
  if (hash.starts_with("$argon2")) return Scheme::kArgon2;
  if (hash.starts_with("$y$") || hash.starts_with("$gy$")) return Scheme::kYescrypt;
  if (hash.starts_with("$7$")) return Scheme::kScrypt;
  if (hash.starts_with("$2a$") || hash.starts_with("$2b$") || hash.starts_with("$2y$")) return Scheme::kBcrypt;
  if (hash.starts_with("$6$")) return Scheme::kSha512Crypt;
  if (hash.starts_with("$5$")) return Scheme::kSha256Crypt;
  if (hash.starts_with("$1$")) return Scheme::kMd5Crypt;
  return Scheme::kUnknown;
}

std::string_view SchemeName(Scheme scheme) {
  switch (scheme) {
    case Scheme::kArgon2: return "argon2";
    case Scheme::kYescrypt: return "yescrypt";
    case Scheme::kScrypt: return "scrypt";
    case Scheme::kBcrypt: return "bcrypt";
    case Scheme::kSha512Crypt: return "sha512_crypt";
    case Scheme::kSha256Crypt: return "sha256_crypt";
    case Scheme::kMd5Crypt: return "md5_crypt";
    case Scheme::kUnknown: return "unknown";
  }
  return "unknown";
}

absl::Status CheckImportable(std::string_view hash) {
  if (hash.size() > kMaxHashText) return absl::InvalidArgumentError("the password hash is too long");
  for (char c : hash) {
    if (c <= ' ' || c > '~') return absl::InvalidArgumentError("the password hash has a character that none has");
  }
  Scheme scheme = SchemeOf(hash);
  if (scheme == Scheme::kArgon2) return ParseArgon2(hash).status();
  if (scheme == Scheme::kUnknown) {
    return absl::InvalidArgumentError("unknown kind of password hash: $argon2..., $y$, $gy$, $7$, $2a$, $2b$, $2y$, $6$, $5$, $1$");
  }
  if (CryptWithinBounds(scheme, hash)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("not a well-formed ", std::string(SchemeName(scheme)), " hash, or its parameters are out of bounds"));
}

absl::StatusOr<std::string> ImportHash(std::string_view text) {
  if (text.starts_with('{')) {
    size_t end = text.find('}');
    std::string_view name = text.substr(1, end == std::string_view::npos ? end : end - 1);
    constexpr std::string_view kCrypts[] = {"CRYPT",     "SHA512-CRYPT", "SHA256-CRYPT", "MD5-CRYPT",
                                            "BLF-CRYPT", "ARGON2ID",     "ARGON2I"};
    bool known = std::any_of(std::begin(kCrypts), std::end(kCrypts),
                             [&](std::string_view crypt) { return absl::EqualsIgnoreCase(base::Av(name), base::Av(crypt)); });
    if (!known || end == std::string_view::npos) {
      return absl::InvalidArgumentError("unknown scheme in braces: the hashes of crypt(5) and Argon2 can be imported");
    }
    text.remove_prefix(end + 1);
  }
  if (absl::Status status = CheckImportable(text); !status.ok()) return status;
  return std::string(text);
}

absl::StatusOr<bool> VerifyPassword(std::string_view hash, const base::Secret& password) {
  if (absl::Status status = CheckImportable(hash); !status.ok()) return absl::DataLossError(status.message());
  // A NUL would end the password early for crypt(3).
  if (password.Reveal().size() > kMaxPasswordOctets || password.Reveal().find('\0') != std::string_view::npos) return false;
  if (SchemeOf(hash) != Scheme::kArgon2) return VerifyCrypt(hash, password);
  absl::StatusOr<Argon2Hash> parsed = ParseArgon2(hash);
  if (!parsed.ok()) return parsed.status();
  absl::StatusOr<std::string> computed = ComputeArgon2(*parsed, password, parsed->hash.size());
  if (!computed.ok()) return computed.status();
  return base::ConstantTimeEqual(*computed, parsed->hash);
}

bool NeedsRehash(std::string_view hash, const Argon2Parameters& wanted) {
  if (SchemeOf(hash) != Scheme::kArgon2) return true;
  absl::StatusOr<Argon2Hash> parsed = ParseArgon2(hash);
  return !parsed.ok() || parsed->type != Argon2_id || parsed->version != ARGON2_VERSION_13 ||
         parsed->parameters.memory_kib != wanted.memory_kib || parsed->parameters.passes != wanted.passes ||
         parsed->parameters.lanes != wanted.lanes;
}

}  // namespace mailmesh::sasl
