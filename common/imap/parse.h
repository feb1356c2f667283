// The argument parsers, one function a command, behind command_parser.cc's dispatch. Internal to common/imap.
//
// Each starts behind the verb, at the space before the first argument if there is one, and ends behind the last argument;
// the dispatcher checks that nothing follows. False: the scanner has the error.
#ifndef MAILMESH_COMMON_IMAP_PARSE_H_
#define MAILMESH_COMMON_IMAP_PARSE_H_

#include <string>
#include <vector>

#include "common/imap/command.h"
#include "common/imap/command_parser.h"
#include "common/imap/scanner.h"

namespace mailmesh::imap::internal {

// parse_auth.cc
bool ParseAuthenticate(Scanner& in, Authenticate* out);
bool ParseLogin(Scanner& in, Login* out);
bool ParseEnable(Scanner& in, Enable* out);
bool ParseId(Scanner& in, Id* out);

// parse_mailbox.cc
bool ParseOneMailbox(Scanner& in, std::string* mailbox);
bool ParseSelect(Scanner& in, Select* out);
bool ParseCreate(Scanner& in, Create* out);
bool ParseRename(Scanner& in, Rename* out);
bool ParseStatus(Scanner& in, Status* out);
// "(MESSAGES UNSEEN)"
bool ParseStatusItems(Scanner& in, StatusItems* items);

// parse_list.cc
bool ParseList(Scanner& in, List* out);
bool ParseLsub(Scanner& in, Lsub* out);

// parse_append.cc
bool ParseAppendHead(Scanner& in, Append* out);

// parse_message.cc
bool ParseExpunge(Scanner& in, bool uid, Expunge* out);
bool ParseStore(Scanner& in, Store* out);
bool ParseSetAndMailbox(Scanner& in, SequenceSet* set, std::string* mailbox);

// parse_fetch.cc
bool ParseFetch(Scanner& in, Fetch* out);
bool ParseItems(Scanner& in, std::vector<FetchItem>* items);

// parse_search.cc
bool ParseSearch(Scanner& in, const SearchLimits& limits, Search* out);
bool ParseSort(Scanner& in, const SearchLimits& limits, Sort* out);
bool ParseThread(Scanner& in, const SearchLimits& limits, Thread* out);

// parse_quota.cc
bool ParseGetQuota(Scanner& in, GetQuota* out);
bool ParseSetQuota(Scanner& in, SetQuota* out);

}  // namespace mailmesh::imap::internal

#endif  // MAILMESH_COMMON_IMAP_PARSE_H_
