*** Settings ***
Documentation       Huge pages that are free when a start looks, and gone when QEMU takes them. They
...                 cannot be taken at that very moment here, so a script stands before QEMU that
...                 fails as QEMU does. The suite makes huge pages and puts their number back.
Resource            fault.resource

Suite Setup         Set Up Huge Pages
Suite Teardown      Put Huge Pages Back
Test Teardown       End Server And Check


*** Variables ***
${PAGES_FILE}       /proc/sys/vm/nr_hugepages
# 256 MiB, and some for others.
${PAGES}            ${160}
${QEMU}             SEPARATOR=\n
...                 \#!/bin/sh
...                 case "$*" in *hugetlb=on*) echo "cannot allocate memory" >&2; exit 1 ;; esac
...                 exec qemu-system-x86_64 "$@"


*** Test Cases ***
A Start Goes On Without Them
    Start Server    ${RUN_DIR}    qemu.binary=${DIRECTORY}/qemu
    ${info}=    Call    Start Kernel VM    small    memory=256
    ${line}=    Evaluate    ' '.join($info['command_line'])
    Should Contain    ${line}    memory-backend-memfd
    Should Not Contain    ${line}    hugetlb
    ${result}=    Call    Execute In VM    small    echo    works
    Should Be Equal    ${result}[stdout]    works\n

A Start That Wants Them Fails With QEMU's Words
    Start Server    ${RUN_DIR}    qemu.binary=${DIRECTORY}/qemu
    Run Keyword And Expect Error    *VM 'small': QEMU did not start*QEMU said: cannot allocate memory*
    ...    Call    Start Kernel VM    small    memory=256    page_size=2M


*** Keywords ***
Set Up Huge Pages
    Set Up Faults
    ${before}=    Get File    ${PAGES_FILE}
    Set Suite Variable    ${BEFORE}    ${before}
    ${root}=    Evaluate    os.geteuid() == 0    os
    Skip If    not ${root}    needs the right to make huge pages
    Create File    ${PAGES_FILE}    ${{ int(${before}) + ${PAGES} }}
    Create File    ${DIRECTORY}/qemu    ${QEMU}
    Evaluate    os.chmod('${DIRECTORY}/qemu', 0o755)    os

Put Huge Pages Back
    Run Keyword And Ignore Error    Create File    ${PAGES_FILE}    ${BEFORE}
    Tear Down Faults
