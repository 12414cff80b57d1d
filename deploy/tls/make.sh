#!/bin/sh
# An authority of one's own and what it signs, by openssl, for a trial or for a small house without one. Everything lies in one folder:
#
#   deploy/tls/make.sh FOLDER authority                        ca.pem, ca.key and an empty list of what was revoked, crl.pem
#   deploy/tls/make.sh FOLDER server kafka DNS:kafka,IP:10.0.0.7   kafka.pem, kafka.key: who clients of those names believe
#   deploy/tls/make.sh FOLDER client worker                    worker.pem, worker.key: who brokers believe
#   deploy/tls/make.sh FOLDER revoke kafka                     notes in crl.pem that kafka.pem counts no more
#
# A name that is there already is made anew, as at a renewal: key and certificate are written beside and moved into place, the key first.
# Variables: DAYS that a certificate is valid (90; an authority: ten times that); or FROM and UNTIL, as 20261130120000Z; KEY_PASSWORD, under
# which the client's key is locked. ca.key signs for everybody who trusts ca.pem: keep it where nothing else runs.
set -eu
umask 077

[ $# -ge 2 ] || { sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 64; }
folder=$1 what=$2 name=${3:-} names=${4:-}
: "${DAYS:=90}" "${FROM:=}" "${UNTIL:=}" "${KEY_PASSWORD:=}"
export KEY_PASSWORD
mkdir -p "$folder/issued"
cd "$folder"

settings() {
    cat << END
[ca]
default_ca = here
[here]
database = index.txt
new_certs_dir = issued
rand_serial = yes
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_crl_days = $((DAYS * 10))
unique_subject = no
policy = any
[any]
commonName = supplied
[req]
distinguished_name = asked
prompt = no
[asked]
CN = ${name:-authority}
[authority]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = CA:false
extendedKeyUsage = serverAuth
subjectAltName = ${names:-DNS:localhost}
[client]
basicConstraints = CA:false
extendedKeyUsage = clientAuth
END
}

key() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2> /dev/null
}

list() {
    openssl ca -config settings.cnf -gencrl -out crl.pem 2> /dev/null
}

sign() {
    key "$name.key.new"
    openssl req -new -config settings.cnf -key "$name.key.new" -out "$name.csr"
    if [ -n "$UNTIL" ]; then
        set -- "$1" ${FROM:+-startdate "$FROM"} -enddate "$UNTIL"
    else
        set -- "$1" -days "$DAYS"
    fi
    extensions=$1
    shift
    openssl ca -batch -notext -config settings.cnf -extensions "$extensions" "$@" -in "$name.csr" -out "$name.pem.new" 2> said ||
        { cat said >&2; exit 1; }
    if [ -n "$KEY_PASSWORD" ]; then
        openssl pkcs8 -topk8 -v2 aes-256-cbc -passout env:KEY_PASSWORD -in "$name.key.new" -out "$name.locked"
        mv "$name.locked" "$name.key.new"
    fi
    mv "$name.key.new" "$name.key"
    mv "$name.pem.new" "$name.pem"
    rm -f "$name.csr" said
}

settings > settings.cnf
case $what in
authority)
    key ca.key
    openssl req -new -x509 -config settings.cnf -extensions authority -key ca.key -days $((DAYS * 10)) -out ca.pem
    : > index.txt
    list
    ;;
server | client) sign "$what" ;;
revoke)
    openssl ca -config settings.cnf -revoke "$name.pem" 2> /dev/null
    list
    ;;
*) echo "make.sh: what is \"$what\"? authority, server, client or revoke" >&2; exit 64 ;;
esac
rm -f settings.cnf index.txt.old index.txt.attr index.txt.attr.old
