// Special-use mailboxes (RFC 6154): made with an account, claimed by CREATE, moved by RENAME, given up by DELETE.

#include "common/rpc/status.h"
#include "tests/unit/services/mailbox_store/store_fixture.h"

namespace mailmesh::mailbox_store {
namespace {

using namespace mailbox::v1;  // NOLINT: the contract under test
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class SpecialUseTest : public StoreFixture {
 protected:
  // Name -> use, of those that have one.
  std::map<std::string, std::string> Uses(const std::string& account) {
    ListMailboxesRequest request;
    request.set_account_id(account);
    const auto response = ListMailboxes(store(), request);
    EXPECT_TRUE(response.ok()) << response.status();
    std::map<std::string, std::string> uses;
    for (const Mailbox& mailbox : response->mailboxes()) {
      if (!mailbox.special_use().empty()) uses[mailbox.name()] = mailbox.special_use();
    }
    return uses;
  }
  static bool IsBadUse(const absl::Status& status) {
    return status.code() == absl::StatusCode::kInvalidArgument &&
           rpc::HasReason(status, type::v1::ERROR_REASON_BAD_SPECIAL_USE);
  }
  absl::Status Rename(const std::string& from, const std::string& to) {
    RenameMailboxRequest request;
    request.set_request_id(NewRequestId());
    request.set_account_id("ann");
    request.set_from(from);
    request.set_to(to);
    return Wait(store(), &RenameMailbox, request).status();
  }
  absl::Status Delete(const std::string& name) {
    DeleteMailboxRequest request;
    request.set_request_id(NewRequestId());
    request.set_account_id("ann");
    request.set_mailbox(name);
    return Wait(store(), &DeleteMailbox, request).status();
  }
};

TEST_F(SpecialUseTest, AreMadeWithAnAccount) {
  Deliver("old", Message("a"));
  Close();
  options_.special_mailboxes = true;
  Open();
  EXPECT_THAT(Uses("ann"), ElementsAre(Pair("Archive", "Archive"), Pair("Drafts", "Drafts"), Pair("Junk", "Junk"),
                                       Pair("Sent", "Sent"), Pair("Trash", "Trash")));
  EXPECT_THAT(List("ann"), ElementsAre("Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"));
  EXPECT_THAT(Uses("old"), IsEmpty());  // nobody is given mailboxes by force
  Reopen();
  ListMailboxesRequest request;
  request.set_account_id("ann");
  const auto listed = ListMailboxes(store(), request);
  std::set<uint32_t> validities;
  for (const Mailbox& mailbox : listed->mailboxes()) {
    EXPECT_TRUE(mailbox.subscribed()) << mailbox.name();
    validities.insert(mailbox.uid_validity());
  }
  EXPECT_EQ(validities.size(), 6u);
  EXPECT_EQ(OpenBox("ann", "Sent").special_use(), "Sent");
  // They are mailboxes like others, and a new one gets a number and a UIDVALIDITY of its own.
  EXPECT_TRUE(Append("ann", "Sent", Message("s")).ok());
  ASSERT_TRUE(Create("ann", "box").ok());
  EXPECT_GT(OpenBox("ann", "box").uid_validity(), *validities.rbegin());
  EXPECT_EQ(Status("ann", "Sent").messages(), 1u);
}

TEST_F(SpecialUseTest, CreateClaimsOne) {
  ASSERT_TRUE(Create("ann", "Papierkorb", "trash").ok());
  EXPECT_THAT(Uses("ann"), ElementsAre(Pair("Papierkorb", "Trash")));
  EXPECT_TRUE(IsBadUse(Create("ann", "Bin", "Trash")));
  EXPECT_TRUE(IsBadUse(Create("ann", "Everything", "All")));
  EXPECT_TRUE(IsBadUse(Create("ann", "x", "\\Trash")));
  EXPECT_THAT(List("ann"), ElementsAre("INBOX", "Papierkorb"));  // nothing was made
  EXPECT_TRUE(Create("bob", "Bin", "Trash").ok());               // another account's uses are its own
}

TEST_F(SpecialUseTest, StaysWithTheMailboxAndGoesWithIt) {
  ASSERT_TRUE(Create("ann", "Sent", "Sent").ok());
  ASSERT_TRUE(Rename("Sent", "Old/Sent").ok());
  EXPECT_THAT(Uses("ann"), ElementsAre(Pair("Old/Sent", "Sent")));
  EXPECT_EQ(OpenBox("ann", "Old/Sent").special_use(), "Sent");
  EXPECT_TRUE(IsBadUse(Create("ann", "Sent", "Sent")));
  ASSERT_TRUE(Delete("Old/Sent").ok());
  ASSERT_TRUE(Create("ann", "Sent", "Sent").ok());
  ASSERT_TRUE(Create("ann", "Sent/2026").ok());
  // A name that only holds others has no use.
  ASSERT_TRUE(Delete("Sent").ok());
  EXPECT_THAT(Uses("ann"), IsEmpty());
  EXPECT_TRUE(Create("ann", "Sent", "Sent").ok());
  EXPECT_THAT(Uses("ann"), ElementsAre(Pair("Sent", "Sent")));
}

}  // namespace
}  // namespace mailmesh::mailbox_store
