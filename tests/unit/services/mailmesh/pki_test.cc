#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/fake_clock.h"
#include "common/base/file.h"
#include "common/base/random.h"
#include "common/net/pki.h"
#include "services/mailmesh/pki/authorities.h"
#include "services/mailmesh/pki/flat_folder.h"
#include "services/mailmesh/pki/folder_store.h"
#include "services/mailmesh/pki/renew.h"

namespace mailmesh::pki {
namespace {

namespace fs = std::filesystem;

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr absl::Duration kOverlap = absl::Hours(24);
constexpr absl::Duration kLater = absl::Hours(25);

class PkiTest : public testing::Test {
 protected:
  PkiTest() : root_(fs::temp_directory_path() / ("pki-test-" + base::NewIdText())) {}
  ~PkiTest() override { fs::remove_all(root_); }

  static RenewOptions Options() {
    RenewOptions options;
    options.roles = {"directory", "imap_gateway", "operator"};
    options.host_names = {"mail.a.test", "127.0.0.1"};
    options.overlap = kOverlap;
    return options;
  }
  void Open() {
    store_.reset();  // and its lock
    store_ = FolderStore::Open(root_).value();
  }
  Renewal Run(const RenewOptions& options = Options()) {
    Open();
    return Renew(*store_, options, clock_).value();
  }
  std::string ReadText(const std::string& path) { return base::ReadFile(root_ + "/" + path).value(); }
  void WriteText(const std::string& path, const std::string& text) { std::ofstream(root_ + "/" + path) << text; }
  net::CertificateInfo Info(const std::string& path) { return net::DescribeCertificate(ReadText(path)).value(); }
  std::vector<std::string> Trusted(const std::string& path) { return net::SplitCertificates(ReadText(path)).value(); }
  Authorities Kept() { return ReadAuthorities(store_->Read(kAuthorityBundle)->files).value(); }

  std::string root_;
  base::FakeClock clock_{absl::Now()};
  std::unique_ptr<FolderStore> store_;
};

RenewOptions NewAuthority(RenewOptions options) {
  options.new_authority = true;
  return options;
}

std::string ForeignAuthority() { return net::CertificateAuthority::Create("Another").value().pem().certificate; }

TEST_F(PkiTest, EachRoleHasItsOwnKeyAndNobodyTheAuthoritys) {
  Run();
  EXPECT_THAT(Info("imap_gateway/tls.crt").names, Contains("mailmesh://role/imap_gateway"));
  EXPECT_THAT(Info("server/tls.crt").names, ElementsAre("mail.a.test", "127.0.0.1"));
  EXPECT_NE(ReadText("imap_gateway/tls.key"), ReadText("directory/tls.key"));
  const std::string authority_key = ReadText("authority/ca.key");
  for (const auto& entry : fs::recursive_directory_iterator(root_)) {
    if (!entry.is_regular_file() || entry.path().string().find("/authority/") != std::string::npos) continue;
    EXPECT_NE(base::ReadFile(entry.path()).value(), authority_key) << entry.path();
  }
  struct stat info;
  ASSERT_EQ(stat((root_ + "/imap_gateway/tls.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(stat((root_ + "/authority").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(PkiTest, NothingIsDoneBeforeTwoThirdsOfALife) {
  Run();
  const std::string before = ReadText("directory/tls.crt");
  clock_.Advance(absl::Hours(24 * 59));
  EXPECT_THAT(Run().changes, IsEmpty());
  EXPECT_EQ(ReadText("directory/tls.crt"), before);
  clock_.Advance(absl::Hours(24 * 2));
  EXPECT_THAT(Run().changes, SizeIs(4));
  EXPECT_NE(ReadText("directory/tls.crt"), before);
  EXPECT_TRUE(net::IsKeyOf(ReadText("directory/tls.key"), ReadText("directory/tls.crt")));
}

TEST_F(PkiTest, AuthoritiesOfOthersStayThroughEveryRenewal) {
  Run();
  const std::string for_all = ForeignAuthority();
  const std::string for_one = ForeignAuthority();
  WriteText("trust/ca.pem", ReadText("trust/ca.pem") + "a comment\n" + for_all);
  WriteText("directory/ca.crt", ReadText("directory/ca.crt") + for_one);
  for (int i = 0; i < 4; ++i) {
    Run(NewAuthority(Options()));
    clock_.Advance(kLater);
    EXPECT_THAT(Trusted("trust/ca.pem"), Contains(for_all));
    EXPECT_THAT(Trusted("imap_gateway/ca.crt"), Contains(for_all));
    EXPECT_THAT(Trusted("imap_gateway/ca.crt"), Not(Contains(for_one)));
    EXPECT_THAT(Trusted("directory/ca.crt"), Contains(for_all));
    EXPECT_THAT(Trusted("directory/ca.crt"), Contains(for_one));
  }
  // What cannot be read is not dropped either.
  WriteText("directory/ca.crt", ReadText("directory/ca.crt") + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  EXPECT_THAT(std::string(Renew(*store_, Options(), clock_).status().message()), HasSubstr("directory/ca.crt"));
}

TEST_F(PkiTest, TheOverlapBeginsWhenAllHaveTheNewAuthority) {
  Run();
  const std::string first = ReadText("authority/ca.crt");
  // A bundle that cannot be written: what a file system without space does, too.
  ASSERT_EQ(mkdir((root_ + "/away").c_str(), 0700), 0);
  fs::rename(root_ + "/operator", root_ + "/away/operator");
  WriteText("operator", "in the way");
  EXPECT_FALSE(Renew(*store_, NewAuthority(Options()), clock_).ok());
  EXPECT_TRUE(Kept().next.has_value());
  // However long that takes, it signs nothing.
  clock_.Advance(absl::Hours(24 * 20));
  EXPECT_FALSE(Renew(*store_, Options(), clock_).ok());
  EXPECT_EQ(Kept().signer.certificate, first);
  fs::remove(root_ + "/operator");
  fs::rename(root_ + "/away/operator", root_ + "/operator");
  Run();
  clock_.Advance(kOverlap - absl::Minutes(1));
  Run();
  EXPECT_EQ(Kept().signer.certificate, first);
  clock_.Advance(absl::Minutes(2));
  Run();
  EXPECT_NE(Kept().signer.certificate, first);
  // And the old one is trusted until the new certificates have been out for as long.
  EXPECT_THAT(Trusted("operator/ca.crt"), Contains(first));
  clock_.Advance(kOverlap - absl::Minutes(1));
  Run();
  EXPECT_THAT(Trusted("operator/ca.crt"), Contains(first));
  clock_.Advance(absl::Minutes(2));
  Run();
  EXPECT_THAT(Trusted("operator/ca.crt"), Not(Contains(first)));
  EXPECT_THAT(Trusted("trust/ca.pem"), ElementsAre(Kept().signer.certificate));
}

TEST_F(PkiTest, AnAuthorityIsFollowedByTheNextAtTwoThirdsOfItsLife) {
  Run();
  EXPECT_FALSE(Kept().next.has_value());
  clock_.Advance(absl::Hours(24) * 3650 * 2 / 3 + absl::Hours(1));
  Run();
  EXPECT_TRUE(Kept().next.has_value());
}

TEST_F(PkiTest, APublicCertificateOfOthersIsNeverTouched) {
  const auto other = net::CertificateAuthority::Create("Public").value();
  net::LeafRequest request;
  request.dns_names = {"mail.a.test"};
  request.validity = absl::Hours(1);
  const net::PemPair theirs = other.Issue(request).value();
  Run();
  // As an operator does it: over the links, or through them.
  fs::remove(root_ + "/server/tls.crt");
  WriteText("server/tls.crt", theirs.certificate);
  WriteText("server/tls.key", theirs.key);
  for (int i = 0; i < 5; ++i) {
    const Renewal renewal = Run(NewAuthority(Options()));
    EXPECT_THAT(renewal.notes, Contains(HasSubstr("stays as it is")));
    EXPECT_EQ(ReadText("server/tls.crt"), theirs.certificate);
    EXPECT_EQ(ReadText("server/tls.key"), theirs.key);
    clock_.Advance(kLater);
  }
}

TEST_F(PkiTest, ARoleCannotHaveItselfMadeAnother) {
  Run();
  // Its own folder is the role's, so it can put there what it likes.
  const auto operators = ReadText("operator/tls.crt");
  WriteText("imap_gateway/tls.crt", operators);
  Run();
  EXPECT_THAT(Info("imap_gateway/tls.crt").names, Not(Contains("mailmesh://role/operator")));
  EXPECT_THAT(Info("imap_gateway/tls.crt").names, Contains("mailmesh://role/imap_gateway"));
}

TEST_F(PkiTest, ARolesCertificateOfAnotherTrustedAuthorityIsGoodWhileItLasts) {
  Run();
  const auto other = net::CertificateAuthority::Create("Another").value();
  net::LeafRequest request;
  request.uris = {"mailmesh://role/directory"};
  request.client_auth = true;
  request.validity = absl::Hours(24 * 30);
  const net::PemPair theirs = other.Issue(request).value();
  WriteText("trust/ca.pem", ReadText("trust/ca.pem") + other.pem().certificate);
  WriteText("directory/tls.crt", theirs.certificate);
  WriteText("directory/tls.key", theirs.key);
  Run();
  EXPECT_EQ(ReadText("directory/tls.crt"), theirs.certificate);
  EXPECT_THAT(Trusted("imap_gateway/ca.crt"), Contains(other.pem().certificate));
  clock_.Advance(absl::Hours(24 * 25));
  Run();
  EXPECT_NE(ReadText("directory/tls.crt"), theirs.certificate);
}

TEST_F(PkiTest, ABundleThatIsKnownIsRenewedWhoeverAsksForWhat) {
  Run();
  RenewOptions one;
  one.roles = {"fetcher"};
  one.overlap = kOverlap;
  one.new_authority = true;
  Run(one);
  EXPECT_THAT(Trusted("operator/ca.crt"), SizeIs(2));
  // One that an operator removed is not made again.
  fs::remove_all(root_ + "/operator");
  EXPECT_THAT(Run(one).notes, Contains(HasSubstr("is gone")));
  EXPECT_FALSE(fs::exists(root_ + "/operator"));
}

TEST_F(PkiTest, NothingThatARoleLinksToIsCarriedOn) {
  Run();
  const std::string key = ReadText("authority/ca.key");
  const auto holds_key = [&] {
    for (const auto& entry : fs::recursive_directory_iterator(root_ + "/directory")) {
      if (entry.is_symlink() || !entry.is_regular_file()) continue;
      if (base::ReadFile(entry.path()).value() == key) return true;
    }
    return false;
  };
  // Under a name of its own, with a change that makes us write; and inside of the version.
  const std::string current = fs::read_symlink(root_ + "/directory/..data");
  fs::create_symlink("../authority/ca.key", root_ + "/directory/x");
  fs::create_symlink("../../authority/ca.key", root_ + "/directory/" + current + "/y");
  WriteText("directory/z", "its own");
  WriteText("directory/ca.crt", "");
  EXPECT_THAT(Run().changes, ElementsAre(HasSubstr("directory: the authorities")));
  EXPECT_FALSE(holds_key());
  EXPECT_THAT(Run(NewAuthority(Options())).changes, Contains(HasSubstr("directory:")));
  EXPECT_FALSE(fs::exists(root_ + "/directory/..data/z"));
  // In the place of what is carried on: an error, and the other roles' go on.
  for (const char* name : {"tls.crt", "tls.key", "ca.crt"}) {
    const std::string path = root_ + "/directory/" + name;
    const std::string before = ReadText("imap_gateway/tls.crt");
    fs::remove(path);
    fs::create_symlink("../authority/ca.key", path);
    RenewOptions reissue = Options();
    reissue.reissue = true;
    const absl::Status status = Renew(*store_, reissue, clock_).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(path));
    EXPECT_NE(ReadText("imap_gateway/tls.crt"), before);
    EXPECT_FALSE(holds_key());
    fs::remove(path);
  }
  // The version itself, or where it is said to be.
  fs::remove(root_ + "/directory/..data");
  for (const char* target : {"../authority", "..", "..x/../../authority"}) {
    fs::create_symlink(target, root_ + "/directory/..data");
    EXPECT_FALSE(Renew(*store_, Options(), clock_).ok()) << target;
    fs::remove(root_ + "/directory/..data");
  }
  fs::create_directory_symlink("../authority", root_ + "/directory/..elsewhere");
  fs::create_symlink("..elsewhere", root_ + "/directory/..data");
  EXPECT_FALSE(Renew(*store_, Options(), clock_).ok());
  EXPECT_FALSE(holds_key());
  fs::remove(root_ + "/directory/..data");
  Run();
  EXPECT_THAT(Info("directory/tls.crt").names, Contains("mailmesh://role/directory"));
}

TEST_F(PkiTest, APublicCertificateThatIsALinkStays) {
  Run();
  fs::rename(root_ + "/server/tls.crt", root_ + "/elsewhere.crt");
  fs::create_symlink("../elsewhere.crt", root_ + "/server/tls.crt");
  RenewOptions reissue = Options();
  reissue.reissue = true;
  EXPECT_THAT(Run(reissue).notes, ElementsAre(HasSubstr("server/tls.crt is a link to elsewhere")));
  EXPECT_EQ(fs::read_symlink(root_ + "/server/tls.crt"), "../elsewhere.crt");
}

TEST_F(PkiTest, AnAuthorityThatIsLostIsNotReplaced) {
  Run();
  const std::string trusted = ReadText("trust/ca.pem");
  fs::rename(root_ + "/authority", root_ + "/kept");
  for (const bool empty : {false, true}) {
    if (empty) fs::create_directory(root_ + "/authority");
    const absl::Status status = Renew(*store_, Options(), clock_).status();
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("restore it"));
    EXPECT_EQ(ReadText("trust/ca.pem"), trusted);
  }
  fs::remove(root_ + "/authority");
  fs::rename(root_ + "/kept", root_ + "/authority");
  EXPECT_THAT(Run().changes, IsEmpty());
  // The folder is there, its files are not, and nothing else tells of it.
  fs::remove_all(root_ + "/trust");
  for (const auto& entry : fs::recursive_directory_iterator(root_ + "/authority")) {
    if (entry.is_regular_file() && !entry.is_symlink()) fs::remove(entry);
  }
  EXPECT_TRUE(absl::IsFailedPrecondition(Renew(*store_, Options(), clock_).status()));
}

TEST_F(PkiTest, OneThatCannotBeReadIsNotGoneAndHoldsUpNoOther) {
  Run();
  const std::string before = ReadText("operator/tls.crt");
  fs::rename(root_ + "/directory", root_ + "/kept");
  WriteText("directory", "in the way");
  RenewOptions options;  // asks for nobody: what is gone is forgotten
  options.reissue = true;
  options.new_authority = true;
  EXPECT_FALSE(Renew(*store_, options, clock_).ok());
  EXPECT_NE(ReadText("operator/tls.crt"), before);
  EXPECT_THAT(Trusted("operator/ca.crt"), SizeIs(2));
  EXPECT_THAT(Kept().certificates, Contains("directory"));
  EXPECT_FALSE(Kept().distributed.has_value());
  fs::remove(root_ + "/directory");
  fs::rename(root_ + "/kept", root_ + "/directory");
  EXPECT_TRUE(Renew(*store_, RenewOptions(), clock_).ok());
  EXPECT_TRUE(Kept().distributed.has_value());
}

TEST_F(PkiTest, ClientsCanReadWhatToTrust) {
  const mode_t before = umask(077);
  Run();
  umask(before);
  struct stat info;
  for (const char* folder : {"/trust", "/trust/..data/"}) {
    ASSERT_EQ(stat((root_ + folder).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0755u) << folder;
  }
  ASSERT_EQ(stat((root_ + "/trust/ca.pem").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0644u);
  ASSERT_EQ(stat((root_ + "/directory/..data/").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

// A service account that may not read one bundle.
class ForbiddingStore final : public BundleStore {
 public:
  ForbiddingStore(BundleStore& store, std::string forbidden) : store_(store), forbidden_(std::move(forbidden)) {}

  absl::StatusOr<Bundle> Read(const std::string& name) override {
    if (name == forbidden_) return absl::PermissionDeniedError("HTTP 403");
    return store_.Read(name);
  }
  absl::StatusOr<std::string> Write(const std::string& name, const Files& files, const std::string& version) override {
    return store_.Write(name, files, version);
  }
  std::string PlaceOf(const std::string& name) const override { return store_.PlaceOf(name); }

 private:
  BundleStore& store_;
  const std::string forbidden_;
};

TEST_F(PkiTest, ARoleThatIsOffAndForbiddenIsANote) {
  Run();
  ForbiddingStore store(*store_, "imap_gateway");
  RenewOptions others = Options();
  others.roles.erase("imap_gateway");
  EXPECT_TRUE(absl::IsPermissionDenied(Renew(store, others, clock_).status()));
  others.skip_forbidden = true;
  EXPECT_THAT(Renew(store, others, clock_).value().notes, ElementsAre(HasSubstr("may not be read")));
  EXPECT_THAT(Kept().certificates, Contains("imap_gateway"));
  RenewOptions all = Options();
  all.skip_forbidden = true;
  EXPECT_TRUE(absl::IsPermissionDenied(Renew(store, all, clock_).status()));
}

// Ends the run at the nth write, before or after it takes effect: a crash, as far as the bundles can tell.
class CutOffStore final : public BundleStore {
 public:
  CutOffStore(BundleStore& store, int writes, bool before, std::function<void()> check)
      : store_(store), writes_(writes), before_(before), check_(std::move(check)) {}
  bool cut() const { return writes_ <= 0; }

  absl::StatusOr<Bundle> Read(const std::string& name) override { return store_.Read(name); }
  absl::StatusOr<std::string> Write(const std::string& name, const Files& files, const std::string& version) override {
    --writes_;
    if (cut() && before_) return absl::InternalError("cut off");
    auto done = store_.Write(name, files, version);
    check_();
    if (cut()) return absl::InternalError("cut off");
    return done;
  }
  std::string PlaceOf(const std::string& name) const override { return store_.PlaceOf(name); }

 private:
  BundleStore& store_;
  int writes_;
  const bool before_;
  const std::function<void()> check_;
};

TEST_F(PkiTest, RolesMeetAfterEachWriteOfAChangeThatIsCutOffAnywhere) {
  const std::vector<std::string> roles = {"directory", "imap_gateway", "operator"};
  int pairs = 0;
  const auto all_meet = [&] {
    for (const std::string& one : roles) {
      EXPECT_TRUE(net::IsKeyOf(ReadText(one + "/tls.key"), ReadText(one + "/tls.crt")));
      for (const std::string& other : roles) {
        const std::vector<std::string> trusted = Trusted(other + "/ca.crt");
        EXPECT_TRUE(std::any_of(trusted.begin(), trusted.end(), [&](const auto& authority) {
          return net::IsSignedBy(ReadText(one + "/tls.crt"), authority);
        })) << one << " meets " << other;
        ++pairs;
      }
    }
  };
  for (const bool before : {false, true}) {
    Run();
    const std::string first = Kept().signer.certificate;
    // Each run is cut off at its 1st, 2nd, 3rd ... write until one goes through; then the overlap passes.
    for (int step = 0; step < 3; ++step) {
      for (int writes = 1;; ++writes) {
        ASSERT_LT(writes, 50);
        CutOffStore cut_off(*store_, writes, before, all_meet);
        const auto renewal = Renew(cut_off, step == 0 ? NewAuthority(Options()) : Options(), clock_);
        all_meet();
        if (renewal.ok()) break;
        ASSERT_TRUE(cut_off.cut()) << renewal.status();
      }
      clock_.Advance(kLater);
    }
    EXPECT_NE(Kept().signer.certificate, first);
    EXPECT_THAT(Trusted("directory/ca.crt"), ElementsAre(Kept().signer.certificate));
    EXPECT_THAT(Run().changes, IsEmpty());
  }
  EXPECT_GT(pairs, 500);
}

TEST_F(PkiTest, ARunThatIsOvertakenByAChangeOfTheAuthorityIsRepeated) {
  Run(NewAuthority(Options()));
  const std::string first = Kept().signer.certificate;
  RenewOptions reissue = Options();
  reissue.reissue = true;
  // After its first bundle another run comes by that lets the next authority sign, and is done before the second.
  bool overtaken = false;
  CutOffStore store(*store_, 1000, false, [&] {
    if (std::exchange(overtaken, true)) return;
    clock_.Advance(kLater);
    ASSERT_TRUE(Renew(*store_, Options(), clock_).ok());
    ASSERT_NE(Kept().signer.certificate, first);
  });
  ASSERT_TRUE(Renew(store, reissue, clock_).ok());
  ASSERT_TRUE(overtaken);
  ASSERT_TRUE(Kept().replaced.has_value());
  for (const char* role : {"directory", "imap_gateway", "operator", "server"}) {
    EXPECT_TRUE(net::IsSignedBy(ReadText(absl::StrCat(role, "/tls.crt")), Kept().signer.certificate)) << role;
  }
}

TEST_F(PkiTest, AWriteThatWasCutOffIsTakenUp) {
  Run();
  // After the change, before the links.
  fs::remove(root_ + "/directory/tls.key");
  EXPECT_TRUE(store_->Read("directory").value().files.contains(kKey));
  EXPECT_TRUE(fs::exists(root_ + "/directory/tls.key"));
  // Before the change: a version that nobody has seen goes away with the next write.
  fs::create_directory(root_ + "/directory/..2026-01-01.leftover");
  fs::create_symlink("..2026-01-01.leftover", root_ + "/directory/..draft");
  Run(NewAuthority(Options()));
  int versions = 0;
  for (const auto& entry : fs::directory_iterator(root_ + "/directory")) versions += entry.is_directory() && !entry.is_symlink();
  EXPECT_EQ(versions, 1);
  EXPECT_FALSE(fs::is_symlink(root_ + "/directory/..draft"));
  // Somebody else was quicker.
  const std::string version = store_->Read("directory")->version;
  ASSERT_TRUE(store_->Write("directory", {{"a", "b"}}, version).ok());
  EXPECT_TRUE(absl::IsAborted(store_->Write("directory", {{"a", "c"}}, version).status()));
  EXPECT_FALSE(fs::exists(root_ + "/directory/tls.crt"));
}

// A folder of an earlier version: DIR/ca.pem, DIR/pki/ca.key, DIR/pki/NAME.{pem,key}.
class FlatFolderTest : public PkiTest {
 protected:
  FlatFolderTest() {
    fs::create_directories(root_);
    WriteText("ca.pem", authority_.pem().certificate + foreign_);
    WriteText("ca.key", authority_.pem().key);
    for (const std::string& name : names_) {
      net::LeafRequest request;
      request.uris = {"mailmesh://role/" + name};
      request.dns_names = {"mail.a.test"};
      request.ip_addresses = {net::IpAddress::LoopbackV4()};
      request.client_auth = true;
      const auto& issuer = name == "server" ? public_ : authority_;
      const net::PemPair pem = issuer.Issue(request).value();
      WriteText(name + ".pem", pem.certificate);
      WriteText(name + ".key", pem.key);
      old_[name] = pem;
    }
  }
  std::vector<std::string> TakeOver() {
    Open();
    std::vector<std::string> said = TakeOverFlatFolder(*store_, root_ + "/ca.pem", names_).value();
    Renew(*store_, Options(), clock_).value();
    EXPECT_TRUE(LinkTrustFile(*store_, root_ + "/ca.pem").ok());
    return said;
  }
  void CheckAll() {
    EXPECT_EQ(Kept().signer.certificate, authority_.pem().certificate);
    // What the version before reads: it goes on with this authority.
    EXPECT_TRUE(fs::is_symlink(root_ + "/ca.key"));
    EXPECT_EQ(net::CertificateAuthority::Load(root_ + "/ca.pem", root_ + "/ca.key").value().pem().key, authority_.pem().key);
    for (const std::string& name : names_) {
      EXPECT_EQ(ReadText(name + "/tls.crt"), old_[name].certificate) << name;
      EXPECT_EQ(ReadText(name + "/tls.key"), old_[name].key) << name;
      EXPECT_FALSE(fs::exists(root_ + "/" + name + ".pem"));
      EXPECT_FALSE(fs::exists(root_ + "/" + name + ".key"));
    }
    EXPECT_THAT(Trusted("directory/ca.crt"), ElementsAre(authority_.pem().certificate, foreign_));
    EXPECT_TRUE(fs::is_symlink(root_ + "/ca.pem"));
    EXPECT_THAT(Trusted("ca.pem"), ElementsAre(authority_.pem().certificate, foreign_));
  }

  const std::set<std::string> names_ = {"directory", "imap_gateway", "operator", "server"};
  net::CertificateAuthority authority_ = net::CertificateAuthority::Create("Mailmesh local authority").value();
  net::CertificateAuthority public_ = net::CertificateAuthority::Create("Public").value();
  std::string foreign_ = ForeignAuthority();
  std::map<std::string, net::PemPair> old_;
};

TEST_F(FlatFolderTest, IsTakenOverWithWhatAnOperatorPutThere) {
  EXPECT_THAT(TakeOver(), SizeIs(5));
  CheckAll();
  EXPECT_THAT(TakeOver(), IsEmpty());
  CheckAll();
}

TEST_F(FlatFolderTest, IsTakenUpAgainWhereItWasCutOff) {
  // The states that a crash can leave: some pairs written, none removed; all written, some files removed.
  const std::string copy = root_ + ".copy";
  fs::copy(root_, copy, fs::copy_options::recursive);
  TakeOver();
  for (const char* back : {"ca.key", "directory.pem", "directory.key", "server.key", "operator.pem"}) {
    fs::remove(root_ + "/" + back);
    fs::copy_file(copy + "/" + back, root_ + "/" + back);
    EXPECT_THAT(TakeOver(), IsEmpty()) << back;
    CheckAll();
  }
  for (const char* missing : {"authority", "directory", "server", "trust"}) {
    fs::remove_all(root_);
    fs::copy(copy, root_, fs::copy_options::recursive);
    TakeOver();
    fs::remove_all(root_ + "/" + missing);
    for (const auto& entry : fs::directory_iterator(copy)) {
      fs::remove(fs::path(root_) / entry.path().filename());
      fs::copy_file(entry.path(), fs::path(root_) / entry.path().filename());
    }
    TakeOver();
    CheckAll();
  }
  fs::remove_all(copy);
}

TEST_F(FlatFolderTest, APairPutIntoTheOldPlaceLaterIsTakenOver) {
  TakeOver();
  net::LeafRequest request;
  request.dns_names = {"mail.a.test"};
  const net::PemPair fresh = public_.Issue(request).value();
  WriteText("server.pem", fresh.certificate);
  EXPECT_THAT(TakeOver(), ElementsAre(HasSubstr("do not belong together")));
  EXPECT_TRUE(fs::exists(root_ + "/server.pem"));
  WriteText("server.key", fresh.key);
  TakeOver();
  EXPECT_EQ(ReadText("server/tls.crt"), fresh.certificate);
  EXPECT_EQ(ReadText("server/tls.key"), fresh.key);
}

TEST_F(FlatFolderTest, WhatTheVersionBeforeMadeDoesNotTakeAnOperatorsPlace) {
  TakeOver();
  net::LeafRequest request;
  request.dns_names = {"mail.a.test"};
  const net::PemPair made = authority_.Issue(request).value();
  WriteText("server.pem", made.certificate);
  WriteText("server.key", made.key);
  EXPECT_THAT(TakeOver(), ElementsAre(HasSubstr("is left behind")));
  CheckAll();
}

TEST_F(FlatFolderTest, NorThatOfOneWhoseAuthorityIsTrusted) {
  WriteText("ca.pem", authority_.pem().certificate + public_.pem().certificate);
  TakeOver();
  net::LeafRequest request;
  request.dns_names = {"mail.a.test"};
  const net::PemPair made = authority_.Issue(request).value();
  WriteText("server.pem", made.certificate);
  WriteText("server.key", made.key);
  EXPECT_THAT(TakeOver(), ElementsAre(HasSubstr("is left behind")));
  EXPECT_EQ(ReadText("server/tls.crt"), old_["server"].certificate);
}

TEST_F(FlatFolderTest, AKeyWithoutItsCertificateIsNotThrownAway) {
  WriteText("ca.pem", foreign_);
  Open();
  EXPECT_TRUE(absl::IsFailedPrecondition(TakeOverFlatFolder(*store_, root_ + "/ca.pem", names_).status()));
  EXPECT_TRUE(fs::exists(root_ + "/ca.key"));
}

}  // namespace
}  // namespace mailmesh::pki
