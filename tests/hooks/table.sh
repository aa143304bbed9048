#!/bin/bash
# Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
#
# table.sh HOOKS - emqxtls-renew: how its table is read, what it ends with, what it says of a lineage
# without a row, and what acme.sh's hook keeps for cron. The command is played by a script that notes
# its arguments and ends with the status that the deployment's ID names.
set -uo pipefail
hooks=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset EMQXTLS_QUOTA EMQXTLS_WAIT EMQXTLS_OPTIONS STATE_DIRECTORY
export EMQXTLS=$work/emqxtls EMQXTLS_TABLE=$work/table EMQXTLS_STATE=$work/state
export EMQXTLS_SECRET_FILE=$work/credentials EMQXTLS_RENEW=$hooks/emqxtls-renew
failed=0 passed=0

cat >emqxtls <<'END'
#!/bin/sh
printf '[%s]' "EMQXTLS_QUOTA=$EMQXTLS_QUOTA" "$@" >>arguments
echo >>arguments
while [ "$1" != --deployment ]; do shift; done
echo "$2 $4 $6 ${8-}" >>ran
case $2 in ends-*) exit "${2#ends-}" ;; kills-*) kill -TERM "$PPID" ;; esac
END
chmod +x emqxtls
touch credentials

table() { # FORMAT: as of printf
  # shellcheck disable=SC2059
  printf "$1" >table
}

renew() { # STATUS FULLCHAIN...
  local wanted=$1 status
  shift
  rm -f ran arguments
  output=$("${SHELL_UNDER_TEST:-sh}" "$hooks/emqxtls-renew" "$@" 2>&1)
  status=$?
  if [ "$status" = "$wanted" ]; then passed=$((passed + 1)); return; fi
  failed=$((failed + 1))
  printf 'FAILED in line %s: ended with %s, not %s, and said:\n%s\n' "${BASH_LINENO[0]}" "$status" "$wanted" "$output"
}

same() { # WANTED GOT
  if [ "$1" = "$2" ]; then passed=$((passed + 1)); return; fi
  failed=$((failed + 1))
  printf 'FAILED in line %s: wanted\n%s\nbut got\n%s\n' "${BASH_LINENO[1]}" "$1" "$2"
}

ran() { # LINE...: "ID chain key client-CA" of each deployment
  same "$(printf '%s\n' "$@")" "$(cat ran 2>/dev/null)"
}

says() { # TEXT
  same "$1" "$output"
}

# -- as people write it
table '\xEF\xBB\xBFd1 a.pem a.key\n'
renew 0 && ran 'd1 a.pem a.key '
table '# comment\r\n\r\n  d1\ta.pem  a.key \t\r\nd2 b.pem b.key ca.pem # the client CA\r\n \t\r\nd3 c#1.pem c.key'
renew 0 && ran 'd1 a.pem a.key ' 'd2 b.pem b.key ca.pem' 'd3 c#1.pem c.key '
table "d1 \"a b.pem\" 'a \"b\".key' ''\n"
renew 2 && says "emqxtls-renew: $work/table, line 1: empty quotes: leave the field out, or fill it in"
table "'d1' \"a b.pem\" 'a \"b\".key'# comment\nd2 * \$HOME\\\\key\n"
renew 0 && ran 'd1 a b.pem a "b".key ' "d2 * \$HOME\\key "

# -- what can't be told is refused by its line, and the others are done all the same
table 'd1 a.pem\nd2 b.pem b.key\nd3 "c.pem c.key\nd4 d"x".pem d.key\nd5 "e.pem"x e.key\nd6 f g h i\nd2 b.pem b.key\n'
renew 2 && ran 'd2 b.pem b.key ' && says "emqxtls-renew: $work/table, line 1: 'd1' needs a chain, a key, and perhaps a client CA
emqxtls-renew: $work/table, line 3: a quote in the middle: put the whole field in quotes
emqxtls-renew: $work/table, line 4: a quote in the middle: put the whole field in quotes
emqxtls-renew: $work/table, line 5: a quote in the middle: put the whole field in quotes
emqxtls-renew: $work/table, line 6: more than an ID, a chain, a key and a client CA: put a path with blanks in quotes
emqxtls-renew: $work/table, line 7: 'd2' stands in line 2 already: leave one"
table 'd1 a.pem a.key\n'
iconv -t UTF-16 table >wide
EMQXTLS_TABLE=$work/wide renew 2 && says "emqxtls-renew: $work/wide: there is a NUL: is it UTF-16?"
EMQXTLS_TABLE=$work/none renew 2 && says "emqxtls-renew: can't read $work/none"
EMQXTLS_TABLE=$work renew 2 && says "emqxtls-renew: can't read $work"
EMQXTLS=$work/none renew 2 && says "emqxtls-renew: there is no $work/none: install it, or name it in EMQXTLS"

# -- the secret file: what was named is given to the command, which tells if it can't be read
renew 0
same "[EMQXTLS_QUOTA=$work/state/quota][ensure][--wait][10m][--receipt][$work/state/receipts][--secret-file][$work/credentials]\
[--deployment][d1][--cert][a.pem][--key][a.key]" "$(cat arguments)"
EMQXTLS_SECRET_FILE=$work/none renew 0
same 1 "$(grep -cF "[--secret-file][$work/none]" arguments)"

# -- the most urgent exit status of several, in the order of emqxtls(1); what it never ends with is 1
urgent() { # WANTED STATUS...
  printf 'ends-%s a.pem a.key\n' "${@:2}" >table
  renew "$1"
}
urgent 0 0
urgent 5 5 0
urgent 3 5 3 0
urgent 4 3 4 5
urgent 1 1 4 3
urgent 2 4 2 1
urgent 6 2 6 5
urgent 1 137 5
urgent 2 127 2
table 'ends-5 a.pem a.key\nkills-it a.pem a.key\nd3 a.pem a.key\n'
renew 5 && ran 'ends-5 a.pem a.key ' 'kills-it a.pem a.key ' && says "emqxtls-renew: stopped at 'kills-it': run it again for the rest"

# -- only the rows of one file, however it is spelt; a lineage without a row is told
mkdir -p live/broker.example live/broker.example-0001 live/www.example broker_ecc
touch live/{broker.example,broker.example-0001,www.example}/fullchain.pem broker_ecc/fullchain.cer
table "d1 $work/live/broker.example/fullchain.pem k\nd2 $work/live/mail.example/fullchain.pem k\nd3 $work/broker/fullchain.cer k\n"
renew 0 "$work/live/broker.example/fullchain.pem" && ran "d1 $work/live/broker.example/fullchain.pem k "
renew 0 live/../live/broker.example/fullchain.pem && ran "d1 $work/live/broker.example/fullchain.pem k "
renew 0 "$work/live/broker.example-0001/fullchain.pem" && ran "" && says "emqxtls-renew: $work/table has no row for \
$work/live/broker.example-0001/fullchain.pem. The nearest is that of 'd1' with $work/live/broker.example/fullchain.pem: change it \
if the new file has taken that one's place"
renew 2 "$work/broker_ecc/fullchain.cer" && ran "" && says "emqxtls-renew: $work/table has no row for \
$work/broker_ecc/fullchain.cer, and the file of the nearest is gone: that of 'd3' with $work/broker/fullchain.cer. Change this row"
table '# none yet\n'
renew 0 "$work/live/www.example/fullchain.pem" &&
  says "emqxtls-renew: $work/table has no row for $work/live/www.example/fullchain.pem"

# -- the hooks find emqxtls-renew from wherever they were linked to
table "d1 $work/live/broker.example/fullchain.pem k\n"
ln -s "$hooks/certbot.sh" linked
rm -f ran
RENEWED_LINEAGE=$work/live/broker.example sh linked
ran "d1 $work/live/broker.example/fullchain.pem k "
rm -f ran
sh "$hooks/dehydrated.sh" deploy_challenge d1 && sh "$hooks/dehydrated.sh" deploy_cert x k c "$work/live/broker.example/fullchain.pem"
ran "d1 $work/live/broker.example/fullchain.pem k "

# -- acme.sh: what was set when the hook was first used is there for cron. These two are as acme.sh's.
_savedeployconf() { printf '%s' "$2" >"saved-SAVED_$1"; }
_readdomainconf() { cat "saved-$1" 2>/dev/null; }
# shellcheck disable=SC1091
. "$hooks/acme.sh"
rm -f ran arguments
EMQXTLS_OPTIONS='--probe broker.example:8883 --host broker.example' emqxtls_deploy x k c ca "$work/live/broker.example/fullchain.pem"
first=$(cat arguments)
rm -f arguments
(
  unset EMQXTLS EMQXTLS_RENEW EMQXTLS_TABLE EMQXTLS_STATE EMQXTLS_SECRET_FILE
  emqxtls_deploy x k c ca "$work/live/broker.example/fullchain.pem"
)
same "$first" "$(cat arguments)"
same 1 "$(grep -cF '[--probe][broker.example:8883][--host][broker.example]' arguments)"
same "" "${EMQXTLS_OPTIONS-}" # for the next domain of the same run

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
