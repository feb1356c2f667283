#include "common/sasl/key_ring.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/bytes.h"
#include "common/base/file.h"
#include "common/base/random.h"
#include "common/base/status.h"

namespace mailmesh::sasl {
namespace {

constexpr std::string_view kHeader = "mailmesh-key-ring 1";
constexpr size_t kMaxFile = 256 * 1024;

std::string Folder(const std::string& path) {
  size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Creates the file only if there is none: link(2) does not replace, and the content is whole before it has the name.
absl::Status CreateExclusively(const std::string& path, std::string_view content) {
  std::string temporary = absl::StrCat(path, ".", base::NewSessionId());
  RETURN_IF_ERROR(base::WriteFileAtomically(temporary, content, 0600));
  int error = link(temporary.c_str(), path.c_str()) == 0 ? 0 : errno;
  unlink(temporary.c_str());
  if (error != 0) return base::ErrnoStatus(error, absl::StrCat("cannot create ", path));
  int folder = open(Folder(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return base::ErrnoStatus(errno, absl::StrCat("cannot open the folder of ", path));
  int rc = fsync(folder);
  error = errno;
  close(folder);
  return rc == 0 ? absl::OkStatus() : base::ErrnoStatus(error, absl::StrCat("cannot sync the folder of ", path));
}

}  // namespace

KeyRing KeyRing::Generate(const base::Clock& clock) {
  KeyRing ring;
  ring.AddKey(clock);
  return ring;
}

void KeyRing::AddKey(const base::Clock& clock) {
  Append(base::RandomString(kNameOctets), base::Secret(base::RandomString(kKeyOctets)), absl::ToUnixSeconds(clock.Now()));
}

void KeyRing::Append(std::string_view name, base::Secret key, int64_t created_seconds) {
  Key& added = keys_.emplace_back();
  added.name = std::string(name);
  added.key = std::move(key);
  added.created_seconds = created_seconds;
}

const KeyRing::Key* KeyRing::Find(std::string_view name) const {
  for (const Key& key : keys_) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

absl::StatusOr<KeyRing> KeyRing::Load(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return base::ErrnoStatus(errno, absl::StrCat("key ring ", path));
  // A group may be let in: that is how Kubernetes mounts secrets.
  if ((info.st_mode & S_IRWXO) != 0) {
    return absl::PermissionDeniedError(absl::StrCat("key ring ", path, " may be read by everybody: chmod 600 it"));
  }
  absl::StatusOr<std::string> content = base::ReadFile(path, kMaxFile);
  if (!content.ok()) return content.status();
  base::Secret text(*std::move(content));
  absl::StatusOr<KeyRing> ring = Parse(text.Reveal());
  if (!ring.ok()) return base::Annotate(ring.status(), absl::StrCat("key ring ", path));
  return ring;
}

absl::StatusOr<KeyRing> KeyRing::LoadOrCreate(const std::string& path, const base::Clock& clock) {
  absl::StatusOr<KeyRing> ring = Load(path);
  if (ring.ok() || !absl::IsNotFound(ring.status())) return ring;
  absl::Status created = CreateExclusively(path, Generate(clock).Text().Reveal());
  if (!created.ok() && !absl::IsAlreadyExists(created)) return created;
  return Load(path);
}

absl::Status KeyRing::Save(const std::string& path) const { return base::WriteFileAtomically(path, Text().Reveal(), 0600); }

absl::StatusOr<KeyRing> KeyRing::Parse(std::string_view text) {
  KeyRing ring;
  bool header = false;
  for (absl::string_view view : absl::StrSplit(base::Av(text), '\n', absl::SkipEmpty())) {
    std::string_view line = base::Sv(view);
    if (!header) {
      if (line != kHeader) return absl::DataLossError("does not begin with \"mailmesh-key-ring 1\"");
      header = true;
      continue;
    }
    std::vector<absl::string_view> parts = absl::StrSplit(view, ' ');
    if (parts.size() != 3 || ring.keys_.size() >= kMaxKeys) return absl::DataLossError("malformed");
    auto name = base::HexDecode(base::Sv(parts[0]));
    auto key = base::Base64Decode(base::Sv(parts[1]));
    int64_t created = 0;
    auto [end, error] = std::from_chars(parts[2].data(), parts[2].data() + parts[2].size(), created);
    if (!name || name->size() != kNameOctets || !key || key->size() != kKeyOctets || error != std::errc() ||
        end != parts[2].data() + parts[2].size() || ring.Find(*name) != nullptr) {
      return absl::DataLossError("malformed");
    }
    ring.Append(*name, base::Secret(std::string(*key)), created);
  }
  if (ring.keys_.empty()) return absl::DataLossError("has no key");
  return ring;
}

base::Secret KeyRing::Text() const {
  std::string text = absl::StrCat(std::string(kHeader), "\n");
  for (const Key& key : keys_) {
    absl::StrAppend(&text, base::HexEncode(key.name), " ", base::Base64Encode(key.key.Reveal()), " ", key.created_seconds, "\n");
  }
  return base::Secret(std::move(text));
}

}  // namespace mailmesh::sasl
