#include "services/imap_gateway/list_selection.h"

#include <gtest/gtest.h>

#include "common/imap/command_parser.h"

namespace mailmesh::imap_gateway {
namespace {

mailbox::v1::Mailbox Make(const std::string& name, bool subscribed = false, bool children = false,
                          const std::string& use = "", bool exists = true) {
  mailbox::v1::Mailbox mailbox;
  mailbox.set_name(name);
  if (exists) mailbox.set_mailbox_id("id-" + name);
  mailbox.set_subscribed(subscribed);
  mailbox.set_has_children(children);
  mailbox.set_special_use(use);
  return mailbox;
}

const std::vector<mailbox::v1::Mailbox>& Mailboxes() {
  static const auto* all = new std::vector<mailbox::v1::Mailbox>{
      Make("INBOX", true), Make("Sent", false, false, "Sent"), Make("a", false, true), Make("a/b", false, true),
      Make("a/b/c", true), Make("gone", true, false, "", false), Make("lost/box", true, false, "", false)};
  return *all;
}

std::string Answer(const std::string& text) {
  imap::ParsedCommand parsed = imap::ParseCommand("t " + text);
  EXPECT_TRUE(parsed.command.ok()) << text << ": " << parsed.command.status();
  std::vector<ListedName> listed;
  const bool lsub = std::holds_alternative<imap::Lsub>(*parsed.command);
  listed = lsub ? SelectForLsub(std::get<imap::Lsub>(*parsed.command), Mailboxes())
                : SelectForList(std::get<imap::List>(*parsed.command), Mailboxes());
  std::string out;
  for (const ListedName& name : listed) {
    imap::ListEntry entry;
    entry.name = name.name;
    entry.attributes = name.attributes;
    entry.child_subscribed = name.child_subscribed;
    if (lsub) {
      imap::AppendLsub(out, entry, false);
    } else {
      imap::AppendList(out, entry, false);
    }
  }
  return out;
}

TEST(ListSelectionTest, Patterns) {
  EXPECT_EQ(Answer("LIST \"\" \"\""), "* LIST (\\Noselect) \"/\" \"\"\r\n");
  EXPECT_EQ(Answer("LIST \"\" inbox"), "* LIST (\\HasNoChildren) \"/\" INBOX\r\n");
  EXPECT_EQ(Answer("LIST \"\" %"),
            "* LIST (\\HasNoChildren) \"/\" INBOX\r\n* LIST (\\HasNoChildren \\Sent) \"/\" Sent\r\n"
            "* LIST (\\HasChildren) \"/\" a\r\n");
  EXPECT_EQ(Answer("LIST a/ %"), "* LIST (\\HasChildren) \"/\" a/b\r\n");
  EXPECT_EQ(Answer("LIST \"\" \"a*\""),
            "* LIST (\\HasChildren) \"/\" a\r\n* LIST (\\HasChildren) \"/\" a/b\r\n* LIST (\\HasNoChildren) \"/\" a/b/c\r\n");
}

TEST(ListSelectionTest, LsubShowsParentsOfWhatIsSubscribed) {
  EXPECT_EQ(Answer("LSUB \"\" *"),
            "* LSUB () \"/\" INBOX\r\n* LSUB () \"/\" a/b/c\r\n* LSUB () \"/\" gone\r\n* LSUB () \"/\" lost/box\r\n");
  EXPECT_EQ(Answer("LSUB \"\" %"),
            "* LSUB () \"/\" INBOX\r\n* LSUB (\\Noselect) \"/\" a\r\n* LSUB () \"/\" gone\r\n* LSUB (\\Noselect) \"/\" lost\r\n");
}

TEST(ListSelectionTest, Extended) {
  EXPECT_EQ(Answer("LIST (SUBSCRIBED) \"\" *"),
            "* LIST (\\HasNoChildren \\Subscribed) \"/\" INBOX\r\n* LIST (\\HasNoChildren \\Subscribed) \"/\" a/b/c\r\n"
            "* LIST (\\NonExistent \\HasNoChildren \\Subscribed) \"/\" gone\r\n"
            "* LIST (\\NonExistent \\HasNoChildren \\Subscribed) \"/\" lost/box\r\n");
  EXPECT_EQ(Answer("LIST (SPECIAL-USE) \"\" *"), "* LIST (\\HasNoChildren \\Sent) \"/\" Sent\r\n");
  EXPECT_EQ(Answer("LIST (SUBSCRIBED RECURSIVEMATCH) \"\" a"),
            "* LIST (\\HasChildren) \"/\" a (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n");
  EXPECT_EQ(Answer("LIST a (\"\" /b)"), "* LIST (\\HasChildren) \"/\" a/b\r\n");
  EXPECT_EQ(Answer("LIST a (\"\")"), "");
}

// RFC 5258, 3.5 and example 9.
TEST(ListSelectionTest, ParentsOfWhatIsNotListed) {
  // Its child is listed: it would say nothing new.
  EXPECT_EQ(Answer("LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"a*\""),
            "* LIST (\\HasNoChildren \\Subscribed) \"/\" a/b/c\r\n");
  EXPECT_EQ(Answer("LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (a a/%)"),
            "* LIST (\\HasChildren) \"/\" a (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n"
            "* LIST (\\HasChildren) \"/\" a/b (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n");
  // It does not exist.
  EXPECT_EQ(Answer("LIST (SUBSCRIBED RECURSIVEMATCH) \"\" lo%"),
            "* LIST (\\NonExistent) \"/\" lost (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n");
}

}  // namespace
}  // namespace mailmesh::imap_gateway
